// SPDX-License-Identifier: Apache-2.0
#include "lib/ir/narrow.hpp"

#include <bit>
#include <cstddef>

#include "lib/core/cpu_clones.hpp"

namespace pare::ir {

namespace {

// No branches, so that neighbours can take different ways side by side. A result below f16's normal
// numbers is a multiple of 2^-24, which is what adding 0.5 rounds to.
[[gnu::always_inline]] inline uint32_t narrowed(float value) {
  constexpr uint32_t kInfinity = 0x7F800000, kHalf = 0x3F000000;
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  const uint32_t nan = 0x7E00 | (magnitude >> 13 & 0x3FF);
  const uint32_t normal = (magnitude + 0xFFF + (magnitude >> 13 & 1) - (112U << 23)) >> 13;
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - kHalf;
  uint32_t half = magnitude < 113U << 23 ? subnormal : normal;
  half = magnitude >= 0x477FF000 ? 0x7C00 : half;  // from 65520 on
  half = magnitude > kInfinity ? nan : half;
  return half | (bits >> 16 & 0x8000);
}

// The f16 as f32, in integer arithmetic as in widen.cpp.
[[gnu::always_inline]] inline float rounded(float value) {
  const uint32_t half = narrowed(value);
  const uint32_t magnitude = (half & 0x7FFF) << 13;
  const float subnormal = std::bit_cast<float>(magnitude + (113U << 23)) - 0x1p-14F;
  uint32_t bits = magnitude + (112U << 23);
  bits = magnitude >= 31U << 23 ? magnitude + (224U << 23) : bits;
  bits = magnitude < 1U << 23 ? std::bit_cast<uint32_t>(subnormal) : bits;
  return std::bit_cast<float>(bits | (half & 0x8000) << 16);
}

PARE_CPU_CLONES
void narrow_all(const float* from, uint16_t* to, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] = static_cast<uint16_t>(narrowed(from[i]));
}

PARE_CPU_CLONES
void round_all(float* values, size_t n) {
  for (size_t i = 0; i < n; ++i) values[i] = rounded(values[i]);
}

}  // namespace

void narrow_f16(std::span<const float> values, std::span<uint16_t> out) {
  narrow_all(values.data(), out.data(), values.size());
}

void round_to_f16(std::span<float> values) { round_all(values.data(), values.size()); }

}  // namespace pare::ir
