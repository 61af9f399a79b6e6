// SPDX-License-Identifier: Apache-2.0
// Preparing a row of x for grouped.hpp: blocks of integers in digits, with their power of two. In
// an unnamed namespace: each ISA's file has its own copy, and has said kDigits and kWords.
#pragma once

#include <cstring>

#include "lib/runtime/kernels/own/grouped/grouped.hpp"

namespace {

using pare::runtime::own::GroupedShape;
using pare::runtime::own::kBlockHeader;
using pare::runtime::own::kMostBlockCodes;
using pare::runtime::own::kStepCodes;

static_assert((kDigits == 3 && kWords == 1) || (kDigits == 2 && kWords == 2));
constexpr int64_t kStepWords = 2 * kDigits * kWords;

template <class To, class From>
inline To same_bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  std::memcpy(&out, &x, sizeof out);
  return out;
}

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
    return same_bits<float>(largest);
  }
  // 2^22 <= largest * multiplier < 2^23, less where three signed digits do not reach: 0x7F7F7F.
  auto exponent = static_cast<int32_t>(largest >> 23);
  if ((largest & 0x7FFFFF) > 0x7EFEFE) ++exponent;
  exponent = exponent < 27 ? 27 : exponent;  // values below 2^-122 are as good as zero
  const auto multiplier = same_bits<float>(static_cast<uint32_t>(2 * 127 + 22 - exponent) << 23);
  for (int64_t i = 0; i < kMostBlockCodes; ++i) {
    const float value = x[i] * multiplier;
    out[i] = static_cast<int32_t>(value + (value < 0.0F ? -0.5F : 0.5F));
  }
  return same_bits<float>(static_cast<uint32_t>(exponent - 22) << 23);
}

inline int32_t sum_of(const int32_t* integers) {
  int32_t sum = 0;
  for (int64_t i = 0; i < kMostBlockCodes; ++i) sum += integers[i];
  return sum;
}

// What is left of the integers when their lowest digit is taken away.
inline void take_digit(int32_t* integers, int32_t* digits) {
  for (int64_t i = 0; i < kMostBlockCodes; ++i) {
    digits[i] = static_cast<int8_t>(static_cast<uint8_t>(integers[i] & 255));
    integers[i] = (integers[i] - digits[i]) >> 8;
  }
}

// All words of a digit, of whole blocks.
inline void pack_digits(const int32_t* digits, int32_t* words) {
  if constexpr (kWords == 1) {
    int8_t bytes[kMostBlockCodes];
    for (int64_t i = 0; i < kMostBlockCodes; ++i) bytes[i] = static_cast<int8_t>(digits[i]);
    std::memcpy(words, bytes, sizeof bytes);
  } else {
    for (int64_t i = 0; i < kMostBlockCodes / 2; ++i) {
      const int32_t* pair = digits + i / 2 * 4 + i % 2;
      words[i] = static_cast<int32_t>((static_cast<uint32_t>(pair[0]) & 0xFFFF) |
                                      static_cast<uint32_t>(pair[2]) << 16);
    }
  }
}

// Returns the sum of the block's x as they are written.
inline float prepare_block(const GroupedShape& shape, const float* x, int64_t rows, int32_t* to) {
  const uint32_t code_shift = shape.four_bits ? 8 : 128;
  int32_t integers[kMostBlockCodes];
  const float scale = to_integers(x, integers);
  const int32_t sum = sum_of(integers);
  int32_t digits[kMostBlockCodes];
  int32_t words[kDigits][kMostBlockCodes / 4 * kWords];
  take_digit(integers, digits);
  pack_digits(digits, words[0]);
  const int32_t low_sum = sum_of(digits);
  const int32_t high_sum = (sum - low_sum) / 256;
  if constexpr (kDigits == 3) {
    take_digit(integers, digits);
    pack_digits(digits, words[1]);
  }
  pack_digits(integers, words[kDigits - 1]);
  const auto start = [&](int32_t of) {
    return same_bits<int32_t>(0U - code_shift * same_bits<uint32_t>(of));
  };
  to[0] = same_bits<int32_t>(scale);
  to[rows] = start(shape.four_bits ? sum : low_sum);
  to[2 * rows] = shape.four_bits ? 0 : start(high_sum);
  const int64_t count = 2 * kWords * shape.steps;
  int32_t* at = to + kBlockHeader * rows;
  for (const auto& digit : words) {
    for (int64_t i = 0; i < count; ++i, at += rows) *at = digit[i];
  }
  return static_cast<float>(sum) * scale;
}

void prepare(const GroupedShape& shape, const float* x, int64_t rows, int32_t* to) {
  const int64_t block_codes = shape.steps * kStepCodes;
  for (int64_t group = 0; group < shape.groups; ++group) {
    int64_t at = group * shape.group_size;
    const int64_t end = at + shape.group_size < shape.depth ? at + shape.group_size : shape.depth;
    float sum = 0.0F;
    for (int64_t block = 0; block < shape.blocks; ++block, to += shape.block_words * rows) {
      if (block_codes == kMostBlockCodes && at + kMostBlockCodes <= end) {
        sum += prepare_block(shape, x + at, rows, to);
        at += kMostBlockCodes;
      } else {
        float values[kMostBlockCodes] = {};
        for (int64_t i = 0; i < block_codes && at < end; ++i, ++at) values[i] = x[at];
        sum += prepare_block(shape, values, rows, to);
      }
      to[3 * rows] = same_bits<int32_t>(-sum);
    }
  }
}

}  // namespace
