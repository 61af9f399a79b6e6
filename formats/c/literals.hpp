// SPDX-License-Identifier: Apache-2.0
// C99 literals and initialisers. Floats are written in the fewest digits that read back as the same
// value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare::formats::c {

std::string literal(float value);
std::string literal(int64_t value);
inline std::string literal(int32_t value) { return literal(int64_t{value}); }

// "{1, 2, 3}" over as many lines as needed, `indent` spaces in front of each but the first.
std::string initializer(std::span<const std::string> values, int indent);

template <class T>
std::string initializer(std::span<const T> values, int indent) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const T value : values) {
    if constexpr (std::is_same_v<T, float>) {
      texts.push_back(literal(value));
    } else {
      texts.push_back(literal(static_cast<int64_t>(value)));
    }
  }
  return initializer(std::span<const std::string>(texts), indent);
}

// "name(a, b, c);" wrapped at 100 columns, arguments aligned, `indent` spaces in front.
std::string call_text(const std::string& function, std::span<const std::string> arguments,
                      int indent);

}  // namespace pare::formats::c
