// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 and bfloat16 <-> binary32, round to nearest, ties to even. Done on bit patterns
// so that the result does not depend on the CPU or its rounding mode.
#include <bit>

#include "lib/ir/tensor.hpp"

namespace pare::ir {

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t exponent = (bits >> 10) & 31U;
  const uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | mantissa << 13);
  if (exponent == 0) {
    // Zero and subnormals: mantissa * 2^-24 is exact in f32.
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U)
    return static_cast<uint16_t>(sign | 0x7E00U | (magnitude >> 13 & 0x3FFU));
  if (magnitude >= 0x477FF000U) return static_cast<uint16_t>(sign | 0x7C00U);  // >= 65520: infinity
  // Below 2^-14 the result is subnormal: a multiple of 2^-24.
  const uint32_t exponent = magnitude >> 23;
  if (exponent < 113) {
    if (exponent < 102) return static_cast<uint16_t>(sign);  // < 2^-25, or a tie that goes to 0
    const uint32_t significand = (magnitude & 0x7FFFFFU) | 0x800000U;
    const uint32_t shift = 126 - exponent;  // 14..24
    const uint32_t half = (1U << (shift - 1)) - 1 + (significand >> shift & 1U);
    return static_cast<uint16_t>(sign | (significand + half) >> shift);
  }
  const uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U);
  return static_cast<uint16_t>(sign | (rounded - (112U << 23)) >> 13);
}

float bf16_to_f32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  // A NaN keeps its top bits and stays a NaN even when those are all in the part cut off.
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<uint16_t>(bits >> 16 | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace pare::ir
