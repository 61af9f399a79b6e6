// SPDX-License-Identifier: Apache-2.0
// A tile of x times a piece of a panel, a part of grouped_body.hpp. The tile's digits are taken one
// after the other, highest first, into one register a sum, which is 256 times as much before the
// next: so a tile has many rows.
#pragma once

namespace {

constexpr int64_t kQuadBytes = kPanelRows * 4 * kWords;

// Several whole groups, or a part of one.
struct Piece {
  int64_t groups = 1, blocks = 1;  // blocks: of each group
  bool begins = true, ends = true;
  const uint8_t* numbers = nullptr;  // of the first group
  const uint8_t* codes = nullptr;    // [block][quad of codes][word][row], words as `split` has them
  int64_t code_bytes = 0;            // from a group's to the next one's
  const uint8_t* ahead = nullptr;    // what the next tile asks for
  int64_t ahead_lines = 0;           // a block
};

// All codes of a block times one digit of x. There is a step at least: a loop that may be passed by
// has its sums copied around it.
template <int M>
[[gnu::always_inline]] inline void add_digit(int64_t steps, const uint8_t* codes,
                                             const int32_t* digits, Ints (&dots)[M][kVectors]) {
  do {
#pragma GCC unroll 4
    for (int w = 0; w < 2 * kWords; ++w) {
      Ints words[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        words[v] = Ints::load(codes + w * kPanelRows * 4 + 64 * v);
      }
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const Ints digit = Ints::set(digits[w * M + m]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) dots[m][v].add_dot(words[v], digit);
      }
    }
    codes += 2 * kQuadBytes;
    digits += 2 * kWords * M;
  } while (--steps > 0);
}

// What a tile's sums become between two digits.
template <int M>
[[gnu::always_inline]] inline void shift_up(Ints (&dots)[M][kVectors]) {
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) dots[m][v] = dots[m][v].times_256();
  }
}

// `starts`: [M].
template <int M>
[[gnu::always_inline]] inline void add_starts(const int32_t* starts, Ints (&dots)[M][kVectors]) {
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) dots[m][v] = dots[m][v].plus(Ints::set(starts[m]));
  }
}

template <int M>
[[gnu::always_inline]] inline void clear(Ints (&dots)[M][kVectors]) {
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) dots[m][v] = Ints::zero();
  }
}

template <class Codes, int M>
[[gnu::always_inline]] inline void add_decoded(const GroupedShape& shape, const uint8_t* codes,
                                               const int32_t* x, Floats (&sums)[M][kVectors]) {
  const int32_t* digits = x + kBlockHeader * M;
  const int64_t digit_words = 2 * shape.steps * kWords * M;
  Ints dots[M][kVectors];
  [[maybe_unused]] Floats high[M][kVectors];
  clear<M>(dots);
  add_digit<M>(shape.steps, codes, digits + (kDigits - 1) * digit_words, dots);
  if constexpr (kDigits == 3) {
    shift_up<M>(dots);
    add_digit<M>(shape.steps, codes, digits + digit_words, dots);
  }
  if constexpr (Codes::kOneSum) {
    shift_up<M>(dots);
  } else {
    add_starts<M>(x + 2 * M, dots);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) high[m][v] = Floats::of(dots[m][v]);
    }
    clear<M>(dots);
  }
  add_starts<M>(x + M, dots);
  add_digit<M>(shape.steps, codes, digits, dots);
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
    const Floats scale = broadcast(x[m]);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      Floats value = Floats::of(dots[m][v]);
      if constexpr (!Codes::kOneSum) value.add_product(high[m][v], Floats::set(256.0F));
      sums[m][v].add_product(value, scale);
    }
  }
}

// sums: of groups that began in an earlier piece or end in a later one. totals [row of x][row].
template <class Codes, int M>
void tile_product(const GroupedShape& shape, const Piece& piece, const int32_t* x, float* sums_at,
                  float* totals) {
  const uint8_t* ahead = piece.ahead;
  for (int64_t group = 0; group < piece.groups; ++group) {
    Floats sums[M][kVectors];
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        sums[m][v] =
            piece.begins ? Floats::zero() : Floats::load_floats(sums_at + m * kPanelRows + 16 * v);
      }
    }
    const uint8_t* codes = piece.codes + group * piece.code_bytes;
    for (int64_t block = 0; block < piece.blocks; ++block) {
      for (int64_t line = 0; line < piece.ahead_lines; ++line, ahead += 64) {
        __builtin_prefetch(ahead);
      }
      add_decoded<Codes, M>(shape, codes, x, sums);
      codes += 2 * shape.steps * kQuadBytes;
      x += shape.block_words * M;
    }
    const uint8_t* numbers = piece.numbers + group * shape.group_bytes;
    if (piece.ends) take_zeros<M>(shape, numbers, x - shape.block_words * M, sums);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Floats scale = numbers_at(numbers, shape.half, v);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const int64_t at = m * kPanelRows + 16 * v;
        if (piece.ends) {
          Floats total = Floats::load_floats(totals + at);
          total.add_product(sums[m][v], scale);
          total.store(totals + at);
        } else {
          sums[m][v].store(sums_at + at);
        }
      }
    }
  }
}

}  // namespace
