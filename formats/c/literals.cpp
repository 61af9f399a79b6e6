// SPDX-License-Identifier: Apache-2.0
#include "formats/c/literals.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace pare::formats::c {

namespace {

constexpr size_t kColumns = 100;

}  // namespace

std::string literal(float value) {
  if (std::isnan(value)) return "NAN";
  if (std::isinf(value)) return value > 0 ? "INFINITY" : "-INFINITY";
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), result.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string literal(int64_t value) {
  // The literal 2147483648 does not fit 32 bits, so its negative would be 64 bits wide.
  if (value == std::numeric_limits<int32_t>::min()) return "INT32_MIN";
  return std::to_string(value);
}

std::string initializer(std::span<const std::string> values, int indent) {
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string out = "{\n" + margin;
  size_t column = margin.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t width = values[i].size() + 1;
    if (i > 0 && column + 1 + width > kColumns) {
      out += "\n" + margin;
      column = margin.size();
    } else if (i > 0) {
      out += ' ';
      ++column;
    }
    out += values[i] + ",";
    column += width;
  }
  return out + "\n}";
}

std::string call_text(const std::string& function, std::span<const std::string> arguments,
                      int indent) {
  std::string out = std::string(static_cast<size_t>(indent), ' ') + function + "(";
  const std::string margin(out.size(), ' ');
  size_t column = out.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const size_t width = arguments[i].size() + (i + 1 < arguments.size() ? 1 : 2);
    if (i > 0 && column + 1 + width > kColumns) {
      out += "\n" + margin;
      column = margin.size();
    } else if (i > 0) {
      out += ' ';
      ++column;
    }
    out += arguments[i] + (i + 1 < arguments.size() ? "," : "");
    column += width;
  }
  return out + ");\n";
}

}  // namespace pare::formats::c
