// SPDX-License-Identifier: Apache-2.0
// Bodies of grouped.hpp, in an unnamed namespace: each ISA's file has its own copy. The including
// file has
//   Ints, Floats   16 lanes of 32 bits
//   kDigits, kWords, split(quad, words)   how four codes meet the digits of x: as a word of four
//                  bytes, or as two words of two codes of 16 bits
//   kManyRows      rows of x in a tile, as registers allow
//   kFewRows       at most so many rows take their codes from the panel as it is
//   kSetsOfOne     sets of sums of a single row, against the latency of their additions
#pragma once

#include "lib/runtime/kernels/own/grouped/grouped_x_body.hpp"

namespace {

using pare::runtime::own::kPanelRows;

constexpr int kVectors = static_cast<int>(kPanelRows / 16);
constexpr int64_t kAhead = 4096;  // bytes that are asked for before they are needed

// The two times four codes of a step, `at` those of 16 rows.
struct FourBits {
  static constexpr int64_t kStepBytes = kPanelRows * 4;
  static constexpr bool kOneSum = true;  // a block's whole sum fits 32 bits: 32 * 8 * 0x7F7F7F
  [[gnu::always_inline]] static void load(const uint8_t* at, Ints (&first)[kWords],
                                          Ints (&second)[kWords]) {
    const Ints both = Ints::load(at);
    split(both.low_halves(), first);
    split(both.high_halves(), second);
  }
};
struct EightBits {
  static constexpr int64_t kStepBytes = kPanelRows * 8;
  static constexpr bool kOneSum = false;
  [[gnu::always_inline]] static void load(const uint8_t* at, Ints (&first)[kWords],
                                          Ints (&second)[kWords]) {
    split(Ints::load(at), first);
    split(Ints::load(at + kPanelRows * 4), second);
  }
};

[[gnu::always_inline]] inline Floats broadcast(int32_t bits) {
  return Floats::set(same_bits<float>(bits));
}

// A block's products from the sums of their digits, without a scale: `high` is that of all digits
// but the lowest. The product with 256 is exact, fused or not.
template <class Codes>
[[gnu::always_inline]] inline Floats value_of(const Ints& low, const Ints& high) {
  if constexpr (Codes::kOneSum) return Floats::of(high.times_256().plus(low));
  Floats value = Floats::of(low);
  value.add_product(Floats::of(high), Floats::set(256.0F));
  return value;
}

[[gnu::always_inline]] inline Floats numbers_at(const uint8_t* at, bool half, int index) {
  return half ? Floats::of_halves(at + 32 * index) : Floats::load(at + 64 * index);
}

// Adds a block's products to sums [row of x][vector], scales of groups left out.
template <class Codes, int M>
[[gnu::always_inline]] inline void add_block(const GroupedShape& shape, const uint8_t* codes,
                                             const int32_t* x, Floats (&sums)[M][kVectors]) {
  constexpr int kSets = M == 1 ? kSetsOfOne : 1;
  Ints dots[kSets][M][kVectors][kDigits];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 3
    for (int d = 0; d < kDigits; ++d) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        dots[kSets - 1][m][v][d] = Ints::zero();
        dots[0][m][v][d] = d < 2 ? Ints::set(x[(1 + d) * M + m]) : Ints::zero();
      }
    }
  }
  const int32_t* digits = x + kBlockHeader * M;
  const int64_t digit_words = 2 * shape.steps * kWords * M;
  for (int64_t s = 0; s < shape.steps; ++s, codes += Codes::kStepBytes, digits += 2 * kWords * M) {
#pragma GCC unroll 4
    for (int64_t line = 0; line < Codes::kStepBytes; line += 64) {
      __builtin_prefetch(codes + kAhead + line);
    }
    Ints quads[2][kVectors][kWords];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) Codes::load(codes + 64 * v, quads[0][v], quads[1][v]);
#pragma GCC unroll 4
    for (int w = 0; w < 2 * kWords; ++w) {
      const int q = w / kWords;
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) {
#pragma GCC unroll 3
        for (int d = 0; d < kDigits; ++d) {
          const Ints digit = Ints::set(digits[d * digit_words + w * M + m]);
#pragma GCC unroll 2
          for (int v = 0; v < kVectors; ++v) {
            dots[q % kSets][m][v][d].add_dot(quads[q][v][w % kWords], digit);
          }
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      Ints(&dot)[kDigits] = dots[0][m][v];
      if constexpr (kSets == 2) {
#pragma GCC unroll 3
        for (int d = 0; d < kDigits; ++d) dot[d] = dot[d].plus(dots[1][m][v][d]);
      }
      if constexpr (kDigits == 3) dot[1] = dot[1].plus(dot[2].times_256());
      sums[m][v].add_product(value_of<Codes>(dot[0], dot[1]), broadcast(x[m]));
    }
  }
}

// Of a group's sums: what a code that means zero has been counted with. `x` is its last block.
template <int M>
[[gnu::always_inline]] inline void take_zeros(const GroupedShape& shape, const uint8_t* numbers,
                                              const int32_t* x, Floats (&sums)[M][kVectors]) {
  if (!shape.zeros) return;
  for (int v = 0; v < kVectors; ++v) {
    const Floats zero = numbers_at(numbers, shape.half, kVectors + v);
    for (int m = 0; m < M; ++m) sums[m][v].add_product(zero, broadcast(x[3 * M + m]));
  }
}

template <int M>
[[gnu::always_inline]] inline void clear(Floats (&sums)[M][kVectors]) {
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sums[m][v] = Floats::zero();
  }
}

// A tile of few rows: bound by reading the panel, which is decoded as it comes.
template <class Codes, int M>
void few_rows(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, float* y) {
  Floats totals[M][kVectors];
  clear<M>(totals);
  for (int64_t group = 0; group < shape.groups; ++group) {
    const uint8_t* numbers = panel;
    panel += shape.number_bytes;
    for (const uint8_t* line = numbers; line < panel; line += 64) {
      __builtin_prefetch(line + kAhead);
    }
    Floats sums[M][kVectors];
    clear<M>(sums);
    for (int64_t block = 0; block < shape.blocks; ++block) {
      add_block<Codes, M>(shape, panel, x, sums);
      panel += shape.steps * Codes::kStepBytes;
      x += shape.block_words * M;
    }
    take_zeros<M>(shape, numbers, x - shape.block_words * M, sums);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Floats scale = numbers_at(numbers, shape.half, v);
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) totals[m][v].add_product(sums[m][v], scale);
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) totals[m][v].store(y + m * kPanelRows + 16 * v);
  }
}

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/grouped_many_body.hpp"
// clang-format on

namespace {

template <class Codes>
void coded_product(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, int64_t rows,
                   float* y) {
  if (rows == 1) return few_rows<Codes, 1>(shape, panel, x, y);
  if constexpr (kFewRows == 3) {
    if (rows == 2) return few_rows<Codes, 2>(shape, panel, x, y);
    if (rows == 3) return few_rows<Codes, 3>(shape, panel, x, y);
  }
  many_rows<Codes>(shape, panel, x, rows, y);
}

void product(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, int64_t rows,
             float* y) {
  if (shape.four_bits) return coded_product<FourBits>(shape, panel, x, rows, y);
  coded_product<EightBits>(shape, panel, x, rows, y);
}

constexpr pare::runtime::own::GroupedKernels kGrouped = {kStepWords, kManyRows, prepare, product};

}  // namespace
