// SPDX-License-Identifier: Apache-2.0
// Overflow-checked 64-bit arithmetic for sizes that come from files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/core/error.hpp"

namespace pare {

// a * b; throws Error(subject) on overflow. Negative factors are refused as well.
inline int64_t checked_mul(int64_t a, int64_t b, std::string_view subject) {
  int64_t out = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &out)) throw Error(subject, "size overflows");
  return out;
}

// a + b; throws Error(subject) on overflow. Negative terms are refused as well.
inline int64_t checked_add(int64_t a, int64_t b, std::string_view subject) {
  int64_t out = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &out)) throw Error(subject, "size overflows");
  return out;
}

inline int64_t checked_product(std::span<const int64_t> factors, std::string_view subject) {
  int64_t out = 1;
  for (const int64_t f : factors) out = checked_mul(out, f, subject);
  return out;
}

}  // namespace pare
