// SPDX-License-Identifier: Apache-2.0
// Preparing a row of x for grouped.hpp: blocks of integers in three digits, with their power of
// two. In an unnamed namespace: each ISA's file has its own copy.
#pragma once

#include <cstring>

#include "lib/runtime/kernels/own/grouped.hpp"

namespace {

using pare::runtime::own::GroupedShape;
using pare::runtime::own::kMostBlockCodes;
using pare::runtime::own::kStepCodes;

constexpr int kDigits = 3;
constexpr int64_t kHeader = 1 + kDigits;  // words of a prepared block before its digits

// The block as integers of at most 24 bits, times 2^-exponent. One that is not finite: an infinite
// scale for the signs of its infinities, or NaN. Returns the scale.
inline float to_integers(const float* x, int32_t* out) {
  uint32_t largest = 0;
  uint32_t bits[kMostBlockCodes];
  std::memcpy(bits, x, sizeof bits);
  for (const uint32_t b : bits) {
    const uint32_t magnitude = b & 0x7FFFFFFF;
    largest = magnitude > largest ? magnitude : largest;
  }
  constexpr uint32_t kInfinity = 0x7F800000;
  if (largest >= kInfinity) {
    for (int64_t i = 0; i < kMostBlockCodes; ++i) {
      const int32_t sign = (bits[i] >> 31) != 0 ? -1 : 1;
      out[i] = (bits[i] & kInfinity) == kInfinity ? sign : 0;
    }
    float scale = 0.0F;
    std::memcpy(&scale, &largest, sizeof scale);
    return scale;
  }
  // 2^22 <= largest * multiplier < 2^23, less where three signed digits do not reach: 0x7F7F7F.
  auto exponent = static_cast<int32_t>(largest >> 23);
  if ((largest & 0x7FFFFF) > 0x7EFEFE) ++exponent;
  exponent = exponent < 27 ? 27 : exponent;  // values below 2^-122 are as good as zero
  const uint32_t multiplier_bits = static_cast<uint32_t>(2 * 127 + 22 - exponent) << 23;
  const uint32_t scale_bits = static_cast<uint32_t>(exponent - 22) << 23;
  float multiplier = 0.0F;
  float scale = 0.0F;
  std::memcpy(&multiplier, &multiplier_bits, sizeof scale);
  std::memcpy(&scale, &scale_bits, sizeof scale);
  for (int64_t i = 0; i < kMostBlockCodes; ++i) {
    const float value = x[i] * multiplier;
    out[i] = static_cast<int32_t>(value + (value < 0.0F ? -0.5F : 0.5F));
  }
  return scale;
}

inline void prepare_block(const float* x, int64_t steps, int32_t code_shift, int32_t* to) {
  int32_t integers[kMostBlockCodes];
  const float scale = to_integers(x, integers);
  std::memcpy(to, &scale, sizeof scale);
  int8_t digits[kDigits][kMostBlockCodes];
  for (int d = 0; d < kDigits; ++d) {
    int32_t sum = 0;
    for (int64_t i = 0; i < kMostBlockCodes; ++i) {
      const auto digit = static_cast<int8_t>(static_cast<uint8_t>(integers[i] & 255));
      integers[i] = (integers[i] - digit) >> 8;
      digits[d][i] = digit;
      sum += digit;
    }
    to[1 + d] = -code_shift * sum;
  }
  for (int64_t quad = 0; quad < 2 * steps; ++quad) {
    for (int d = 0; d < kDigits; ++d) {
      std::memcpy(to + kHeader + quad * kDigits + d, digits[d] + 4 * quad, 4);
    }
  }
}

void prepare(const GroupedShape& shape, const float* x, int32_t* to) {
  const int32_t code_shift = shape.four_bits ? 8 : 128;
  for (int64_t group = 0; group < shape.groups; ++group) {
    int64_t at = group * shape.group_size;
    const int64_t end = at + shape.group_size < shape.depth ? at + shape.group_size : shape.depth;
    for (int64_t block = 0; block < shape.blocks; ++block, to += shape.block_words) {
      float values[kMostBlockCodes] = {};
      for (int64_t i = 0; i < shape.steps * kStepCodes && at < end; ++i, ++at) values[i] = x[at];
      prepare_block(values, shape.steps, code_shift, to);
    }
  }
}

}  // namespace
