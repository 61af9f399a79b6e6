// SPDX-License-Identifier: Apache-2.0
// Bodies of grouped.hpp, in an unnamed namespace: each ISA's file has its own copy. Sixteen partial
// sums, added in the same order on every ISA.
#pragma once

#include "lib/runtime/kernels/own/grouped.hpp"

// The vectors below are only passed between functions of this file: no ABI is crossed.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace {

using pare::runtime::own::GroupedRow;

constexpr int64_t kLanes = 16;
typedef float Lanes __attribute__((vector_size(64)));
typedef int32_t Integers __attribute__((vector_size(64)));
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int8_t SignedBytes __attribute__((vector_size(16)));

inline Lanes load(const float* p) {
  Lanes v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline float sum(Lanes v) {
  float half[8];
  for (int i = 0; i < 8; ++i) half[i] = v[i] + v[i + 8];
  for (int i = 0; i < 4; ++i) half[i] += half[i + 4];
  return (half[0] + half[2]) + (half[1] + half[3]);
}

// The two halves of a chunk as floats.
struct FourBits {
  static constexpr int64_t kChunkBytes = 16;
  static void decode(const uint8_t* p, Lanes& first, Lanes& second) {
    Bytes bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    const Integers wide = __builtin_convertvector(bytes, Integers);
    first = __builtin_convertvector(wide & 15, Lanes);
    second = __builtin_convertvector(wide >> 4, Lanes);
  }
};
struct EightBits {
  static constexpr int64_t kChunkBytes = 32;
  static void decode(const uint8_t* p, Lanes& first, Lanes& second) {
    SignedBytes a;
    SignedBytes b;
    __builtin_memcpy(&a, p, sizeof a);
    __builtin_memcpy(&b, p + 16, sizeof b);
    first = __builtin_convertvector(__builtin_convertvector(a, Integers), Lanes);
    second = __builtin_convertvector(__builtin_convertvector(b, Integers), Lanes);
  }
};

template <class Codes>
float dot(const GroupedRow& row, const float* x, const float* x_sums) {
  const uint8_t* codes = row.codes;
  float total = 0.0F;
  for (int64_t g = 0; g < row.groups; ++g) {
    Lanes first_sum = {};
    Lanes second_sum = {};
    for (int64_t c = 0; c < row.chunks; ++c) {
      Lanes first;
      Lanes second;
      Codes::decode(codes, first, second);
      first_sum += first * load(x);
      second_sum += second * load(x + kLanes);
      codes += Codes::kChunkBytes;
      x += 2 * kLanes;
    }
    const float group = sum(first_sum + second_sum);
    total += row.scales[g] * (group - row.offsets[g] * x_sums[g]);
  }
  return total;
}

constexpr pare::runtime::own::GroupedKernels kGrouped = {dot<FourBits>, dot<EightBits>};

}  // namespace
