// SPDX-License-Identifier: Apache-2.0
// Bodies of grouped.hpp, in an unnamed namespace: each ISA's file has its own copy. The including
// file has Lanes (16 floats) and Words (16 x 32 bits).
#pragma once

#include "lib/runtime/kernels/own/grouped.hpp"

namespace {

using pare::runtime::own::GroupedRows;
using pare::runtime::own::kChunkPlanes;
using pare::runtime::own::kPlaneCodes;
constexpr int kRows = static_cast<int>(pare::runtime::own::kGroupedRows);

// Planes of four rows in the order of memory.
struct FourBits {
  const uint8_t* at;
  int64_t left = 0;  // planes in `words`
  Words words[kRows];

  explicit FourBits(const uint8_t* codes) : at(codes) {}
  [[gnu::always_inline]] void begin_plane() {
    if (left == 0) load();
    --left;
  }
  [[gnu::always_inline]] void load() {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) words[r] = Words::load(at + 64 * r);
    at += 64 * kRows;
    left = kChunkPlanes;
  }
  [[gnu::always_inline]] Lanes next(int r) { return words[r].take_nibbles(); }
};
struct EightBits {
  const uint8_t* at;

  explicit EightBits(const uint8_t* codes) : at(codes) {}
  [[gnu::always_inline]] void begin_plane() { at += kPlaneCodes * kRows; }
  [[gnu::always_inline]] Lanes next(int r) {
    return Lanes::signed_bytes(at - kPlaneCodes * (kRows - r));
  }
};

// Planes of one group, with the code before their scale.
template <class Codes>
[[gnu::always_inline]] inline void add_group(Codes& codes, const float*& x, int64_t planes,
                                             const float* scales, Lanes* totals) {
  Lanes sums[kRows];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) sums[r] = Lanes::zero();
  for (int64_t p = 0; p < planes; ++p, x += kPlaneCodes) {
    codes.begin_plane();
    const Lanes values = Lanes::load(x);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sums[r].add_product(codes.next(r), values);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) totals[r].add_product(sums[r], Lanes::set(scales[r]));
}

// Groups of 32 codes, the usual size: a chunk of four of them at a time, without a branch between.
[[gnu::always_inline]] inline int64_t add_chunks(FourBits& codes, const float*& x,
                                                 const GroupedRows& rows, Lanes* totals) {
  constexpr int kGroups = 4;
  int64_t g = 0;
  for (; rows.planes == 2 && g + kGroups <= rows.groups; g += kGroups) {
    codes.load();
#pragma GCC unroll 4
    for (int i = 0; i < kGroups; ++i, x += 2 * kPlaneCodes) {
      const Lanes first = Lanes::load(x);
      const Lanes second = Lanes::load(x + kPlaneCodes);
      const float* scales = rows.scales + (g + i) * kRows;
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        Lanes sum = Lanes::zero();
        sum.add_product(codes.next(r), first);
        sum.add_product(codes.next(r), second);
        totals[r].add_product(sum, Lanes::set(scales[r]));
      }
    }
    codes.left = 0;
  }
  return g;
}
[[gnu::always_inline]] inline int64_t add_chunks(EightBits&, const float*&, const GroupedRows&,
                                                 Lanes*) {
  return 0;
}

// Sixteen partial sums in one fixed order.
inline float total_of(const Lanes& lanes) {
  float at[16];
  lanes.store(at);
  for (int i = 0; i < 8; ++i) at[i] += at[i + 8];
  for (int i = 0; i < 4; ++i) at[i] += at[i + 4];
  return (at[0] + at[2]) + (at[1] + at[3]);
}

template <class Codes>
void product(const GroupedRows& rows, const float* x, const float* x_sums, float* y) {
  Codes codes(rows.codes);
  Lanes totals[kRows];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) totals[r] = Lanes::zero();
  int64_t g = add_chunks(codes, x, rows, totals);
  for (; g < rows.groups; ++g) add_group(codes, x, rows.planes, rows.scales + g * kRows, totals);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) y[r] = total_of(totals[r]);
  if (rows.offsets == nullptr) return;
  for (int64_t i = 0; i < rows.groups * kRows; ++i) {
    y[i % kRows] -= rows.scales[i] * (rows.offsets[i] * x_sums[i / kRows]);
  }
}

constexpr pare::runtime::own::GroupedKernels kGrouped = {product<FourBits>, product<EightBits>};

}  // namespace
