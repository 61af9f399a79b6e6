// SPDX-License-Identifier: Apache-2.0
// Bodies of grouped.hpp, in an unnamed namespace: each ISA's file has its own copy. The including
// file has Ints (16 x 32 bits), Floats (16 of them), kTileRows (rows of x at once, as registers
// allow) and kSetsOfOne (sets of sums of a single row, against the latency of their additions).
#pragma once

#include "lib/runtime/kernels/own/grouped_x_body.hpp"

namespace {

using pare::runtime::own::kPanelRows;

constexpr int kVectors = static_cast<int>(kPanelRows / 16);
constexpr int64_t kStepWords = 2 * kDigits;  // of a prepared step
constexpr int64_t kAhead = 4096;             // bytes that are asked for before they are needed

// The two times four codes of a step.
struct FourBits {
  static constexpr int64_t kStepBytes = kPanelRows * 4;
  static constexpr float kShift = 8.0F;
  [[gnu::always_inline]] static void load(const uint8_t* at, int vector, Ints& first,
                                          Ints& second) {
    const Ints both = Ints::load(at + 64 * vector);
    first = both.low_halves();
    second = both.high_halves();
  }
};
struct EightBits {
  static constexpr int64_t kStepBytes = kPanelRows * 8;
  static constexpr float kShift = 128.0F;
  [[gnu::always_inline]] static void load(const uint8_t* at, int vector, Ints& first,
                                          Ints& second) {
    first = Ints::load(at + 64 * vector);
    second = Ints::load(at + kPanelRows * 4 + 64 * vector);
  }
};

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
        dots[0][m][v][d] = Ints::set(x[m * shape.x_words + 1 + d]);
      }
    }
  }
  const int32_t* digits = x + kHeader;
  for (int64_t s = 0; s < shape.steps; ++s, codes += Codes::kStepBytes, digits += kStepWords) {
#pragma GCC unroll 4
    for (int64_t line = 0; line < Codes::kStepBytes; line += 64) {
      __builtin_prefetch(codes + kAhead + line);
    }
    Ints quads[2][kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) Codes::load(codes, v, quads[0][v], quads[1][v]);
#pragma GCC unroll 2
    for (int q = 0; q < 2; ++q) {
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) {
#pragma GCC unroll 3
        for (int d = 0; d < kDigits; ++d) {
          const Ints digit = Ints::set(digits[m * shape.x_words + q * kDigits + d]);
#pragma GCC unroll 2
          for (int v = 0; v < kVectors; ++v) {
            dots[q % kSets][m][v][d].add_dot4(quads[q][v], digit);
          }
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
    float scale = 0.0F;
    std::memcpy(&scale, x + m * shape.x_words, sizeof scale);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      Ints(&dot)[kDigits] = dots[0][m][v];
      if constexpr (kSets == 2) {
#pragma GCC unroll 3
        for (int d = 0; d < kDigits; ++d) dot[d] = dot[d].plus(dots[1][m][v][d]);
      }
      // The products with powers of two are exact, fused or not.
      Floats value = Floats::of(dot[0]);
      value.add_product(Floats::of(dot[2].times_256().plus(dot[1])), Floats::set(256.0F));
      sums[m][v].add_product(value, Floats::set(scale));
    }
  }
}

// The sum of a group's x as it is prepared: what a code that means zero has been counted with.
template <class Codes>
[[gnu::always_inline]] inline float sum_of_x(const GroupedShape& shape, const int32_t* x) {
  float sum = 0.0F;
  for (int64_t block = 0; block < shape.blocks; ++block, x += shape.block_words) {
    float scale = 0.0F;
    std::memcpy(&scale, x, sizeof scale);
    const float digits = static_cast<float>(x[3]) * 65536.0F + static_cast<float>(x[2]) * 256.0F +
                         static_cast<float>(x[1]);
    sum += digits * (-1.0F / Codes::kShift) * scale;
  }
  return sum;
}

[[gnu::always_inline]] inline Floats numbers_at(const uint8_t* at, bool half, int index) {
  return half ? Floats::of_halves(at + 32 * index) : Floats::load(at + 64 * index);
}

template <class Codes, int M>
void rows_product(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, float* y) {
  Floats totals[M][kVectors];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) totals[m][v] = Floats::zero();
  }
  for (int64_t group = 0; group < shape.groups; ++group) {
    const uint8_t* numbers = panel;
    const int32_t* group_x = x;
    panel += shape.number_bytes;
    Floats sums[M][kVectors];
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums[m][v] = Floats::zero();
    }
    for (int64_t block = 0; block < shape.blocks; ++block) {
      add_block<Codes, M>(shape, panel, x, sums);
      panel += shape.steps * Codes::kStepBytes;
      x += shape.block_words;
    }
    if (shape.zeros) {
      for (int m = 0; m < M; ++m) {
        const float sum = sum_of_x<Codes>(shape, group_x + m * shape.x_words);
        for (int v = 0; v < kVectors; ++v) {
          const Floats zero = numbers_at(numbers, shape.half, kVectors + v);
          sums[m][v] = sums[m][v].minus(zero.times(Floats::set(sum)));
        }
      }
    }
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Floats scale = numbers_at(numbers, shape.half, v);
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) totals[m][v] = totals[m][v].plus(sums[m][v].times(scale));
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) totals[m][v].store(y + m * kPanelRows + 16 * v);
  }
}

template <class Codes>
void coded_product(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, int64_t rows,
                   float* y) {
  if (rows == 1) return rows_product<Codes, 1>(shape, panel, x, y);
  if constexpr (kTileRows == 3) {
    if (rows == 2) return rows_product<Codes, 2>(shape, panel, x, y);
    return rows_product<Codes, 3>(shape, panel, x, y);
  }
}

void product(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, int64_t rows,
             float* y) {
  if (shape.four_bits) return coded_product<FourBits>(shape, panel, x, rows, y);
  coded_product<EightBits>(shape, panel, x, rows, y);
}

constexpr pare::runtime::own::GroupedKernels kGrouped = {kTileRows, prepare, product};

}  // namespace
