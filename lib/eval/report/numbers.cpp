// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/numbers.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace pare::eval {
namespace {

constexpr const char* kMinus = "\u2212";

// Three significant digits, but never fewer than the whole part.
std::string three_digits(double value) {
  return fixed(value, value < 0.9995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  // snprintf writes the locale's decimal mark; a report's is always a point.
  for (char& c : text) {
    if (c == ',') c = '.';
  }
  const std::string out = text;
  const bool is_negative_zero =
      out.front() == '-' && out.find_first_not_of("-0.") == std::string::npos;
  return is_negative_zero ? out.substr(1) : out;
}

std::string signed_fixed(double value, int decimals) {
  const std::string magnitude = fixed(std::abs(value), decimals);
  if (magnitude.find_first_not_of("0.") == std::string::npos) return magnitude;
  std::string out = value < 0 ? kMinus : "+";
  out += magnitude;
  return out;
}

std::string percent(double fraction, int decimals) {
  return fixed(fraction * 100.0, decimals) + " %";
}

std::string points(double fraction, int decimals) {
  return signed_fixed(fraction * 100.0, decimals);
}

std::string grouped(int64_t value) {
  const std::string digits = std::to_string(value < 0 ? -value : value);
  std::string out = value < 0 ? kMinus : "";
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string bytes_text(int64_t bytes) {
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024.0;
  size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024.0;
    ++unit;
  }
  return three_digits(value) + " " + kUnits[unit];
}

std::string count_text(int64_t count) {
  static constexpr std::array kUnits = {"k", "M", "G", "T"};
  if (count < 1000) return std::to_string(count);
  double value = static_cast<double>(count) / 1000.0;
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  return three_digits(value) + " " + kUnits[unit];
}

std::string microseconds(double us) {
  if (us < 1000.0) return three_digits(us) + " µs";
  if (us < 1e6) return three_digits(us / 1e3) + " ms";
  return three_digits(us / 1e6) + " s";
}

std::string rate_text(double per_second) {
  return per_second >= 100 ? grouped(static_cast<int64_t>(per_second + 0.5))
                           : fixed(per_second, per_second < 10 ? 2 : 1);
}

std::string joules_text(double joules) {
  if (joules < 1e-3) return three_digits(joules * 1e6) + " µJ";
  if (joules < 1) return three_digits(joules * 1e3) + " mJ";
  return three_digits(joules) + " J";
}

std::string p_value(double p) {
  if (p < 0.0001) return "< 0.0001";
  return fixed(p, p < 0.01 ? 4 : 3);
}

std::string times(double ratio) { return three_digits(ratio) + "×"; }

}  // namespace pare::eval
