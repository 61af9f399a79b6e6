// SPDX-License-Identifier: Apache-2.0
// Bodies of grouped.hpp, in an unnamed namespace: each ISA's file has its own copy. Sixteen partial
// sums, added in the same order on every ISA.
#pragma once

#include "lib/runtime/kernels/own/grouped.hpp"

namespace {

using pare::runtime::own::GroupedRow;

// The sixteen partial sums in one fixed order.
inline float sum(const Lanes& lanes) {
  float at[16];
  lanes.store(at);
  for (int i = 0; i < 8; ++i) at[i] += at[i + 8];
  for (int i = 0; i < 4; ++i) at[i] += at[i + 4];
  return (at[0] + at[2]) + (at[1] + at[3]);
}

// The two halves of a chunk as floats.
struct FourBits {
  static constexpr int64_t kChunkBytes = 16;
  static Lanes first(const uint8_t* p) { return Lanes::low_nibbles(p); }
  static Lanes second(const uint8_t* p) { return Lanes::high_nibbles(p); }
};
struct EightBits {
  static constexpr int64_t kChunkBytes = 32;
  static Lanes first(const uint8_t* p) { return Lanes::signed_bytes(p); }
  static Lanes second(const uint8_t* p) { return Lanes::signed_bytes(p + 16); }
};

template <class Codes>
float dot(const GroupedRow& row, const float* x, const float* x_sums) {
  const uint8_t* codes = row.codes;
  Lanes total = Lanes::zero();
  float correction = 0.0F;
  for (int64_t g = 0; g < row.groups; ++g) {
    Lanes first = Lanes::zero();
    Lanes second = Lanes::zero();
    for (int64_t c = 0; c < row.chunks; ++c) {
      first.add_product(Codes::first(codes), x);
      second.add_product(Codes::second(codes), x + 16);
      codes += Codes::kChunkBytes;
      x += pare::runtime::own::kGroupedChunk;
    }
    first.add(second);
    total.add_scaled(first, row.scales[g]);
    correction += row.scales[g] * (row.offsets[g] * x_sums[g]);
  }
  return sum(total) - correction;
}

constexpr pare::runtime::own::GroupedKernels kGrouped = {dot<FourBits>, dot<EightBits>};

}  // namespace
