// SPDX-License-Identifier: Apache-2.0
// The loops of GroupProductBlock over the Vec and the Nibbles that the including file chose. In an
// unnamed namespace, so each ISA has its own copy. Totals of one output are added in the order of
// the groups, however rows and channels are cut into tiles.
#pragma once

#include "lib/runtime/kernels/own/dense/arithmetic_body.hpp"
#include "lib/runtime/kernels/own/grouped/group_product.hpp"

namespace {

using pare::runtime::own::GroupProductBlock;
using pare::runtime::own::kWordCodes;

// What becomes of real values: the residual is added, they are clamped, and rounded to codes.
// `at`: the first lane's element of output and residual.
[[gnu::always_inline]] inline void complete(const GroupProductBlock& b, const Integer& numbers,
                                            Vec::F v, int64_t at, int64_t lanes) {
  if (b.residual != nullptr) {
    const auto* residual = static_cast<const uint8_t*>(b.residual) + at;
    const Vec::F r = Vec::sub(Vec::load_u8(residual, lanes), numbers.residual_zero);
    v = Vec::add(v, Vec::mul(numbers.residual_multiplier, r));
  }
  v = Vec::min(numbers.high, Vec::max(numbers.low, v));
  if (b.to_float) return Vec::store_f32(static_cast<float*>(b.output) + at, v, lanes);
  v = Vec::add(Vec::round(v), numbers.zero);
  Vec::store_u8(static_cast<uint8_t*>(b.output) + at, v, lanes);
}

// Where the loops of a tile are: at a group.
struct GroupPlace {
  const uint8_t* codes;
  const int32_t* row_sums;
  const uint32_t* weights;
  int64_t words;
};

// One group of P rows times V vectors: what is decoded of the weights serves all rows. Zero:
// whether activations have a zero point other than 0.
template <int P, int V, bool Zero>
[[gnu::always_inline]] inline void add_group(const GroupProductBlock& b, GroupPlace at,
                                             Vec::F (&totals)[P][V]) {
  constexpr int64_t kLanes = Vec::kLanes;
  const uint32_t* const scales = at.weights;
  at.weights += kLanes;
  Vec::I sums[P][V], weight_sums[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    weight_sums[v] = Vec::zero();
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sums[p][v] = Vec::broadcast_i32(at.row_sums + p * b.groups);
  }
#pragma GCC unroll 4
  for (int64_t w = 0; w < at.words; ++w, at.weights += kLanes, at.codes += kWordCodes) {
    Vec::I low[V], high[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Vec::I word = Vec::load_i32(at.weights + v * b.vector_units);
      low[v] = Nibbles::low(word);
      high[v] = Nibbles::high(word);
      if constexpr (Zero) {
        const Vec::I ones = Nibbles::ones();
        weight_sums[v] = Nibbles::dot(weight_sums[v], ones, low[v], ones, high[v]);
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const Vec::I first = Vec::broadcast_i32(at.codes + p * b.row_bytes);
      const Vec::I second = Vec::broadcast_i32(at.codes + p * b.row_bytes + kWordCodes / 2);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        sums[p][v] = Nibbles::dot(sums[p][v], first, low[v], second, high[v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const Vec::F scale = Vec::load_f32(scales + v * b.vector_units);
    if constexpr (Zero) weight_sums[v] = Nibbles::multiply(weight_sums[v], b.input_zero);
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      if constexpr (Zero) sums[p][v] = Nibbles::sub(sums[p][v], weight_sums[v]);
      totals[p][v] = Vec::add(totals[p][v], Vec::mul(Vec::to_f32(sums[p][v]), scale));
    }
  }
}

template <int P, int V, bool Zero>
void tile(const GroupProductBlock& b, const Integer& output, int64_t row, int64_t vector) {
  GroupPlace at{.codes = b.input + row * b.row_bytes,
                .row_sums = b.row_sums + row * b.groups,
                .weights = b.weights + vector * b.vector_units,
                .words = b.words};
  Vec::F totals[P][V];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) totals[p][v] = Vec::set(0.0F);
  }
  for (int64_t g = 0; g < b.groups; ++g) {
    if (g + 1 == b.groups) at.words = b.last_words;
    add_group<P, V, Zero>(b, at, totals);
    at.codes += kWordCodes * at.words;
    at.weights += (1 + at.words) * Vec::kLanes;
    ++at.row_sums;
  }
  const Vec::F scale = Vec::set(b.scale);
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int64_t channel = (vector + v) * Vec::kLanes;
    const Vec::F bias = Vec::load_f32(static_cast<const float*>(b.bias) + channel);
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const Vec::F real = Vec::add(Vec::mul(totals[p][v], scale), bias);
      complete(b, output, real, (row + p) * b.output_stride + channel,
               lanes_at(b.channels, channel));
    }
  }
}

template <int P, int V, bool Zero>
void tile_of(int64_t rows, const GroupProductBlock& b, const Integer& output, int64_t row,
             int64_t vector) {
  if (rows == P) return tile<P, V, Zero>(b, output, row, vector);
  if constexpr (P > 1) tile_of<P - 1, V, Zero>(rows, b, output, row, vector);
}

// All rows for V vectors, in tiles of nearly equal size.
template <int V, bool Zero>
void panel(const GroupProductBlock& b, const Integer& output, int64_t vector) {
  constexpr int kMost = Nibbles::kRows[V];
  const int64_t tiles = (b.rows + kMost - 1) / kMost;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t begin = b.rows * t / tiles;
    tile_of<kMost, V, Zero>(b.rows * (t + 1) / tiles - begin, b, output, begin, vector);
  }
}

// A single row takes more vectors at a time: nothing else hides the latency of its sums.
template <bool Zero>
void product(const GroupProductBlock& b) {
  const Integer output(b);
  int64_t vector = 0;
  if (b.rows == 1) {
    for (; b.vectors - vector >= 4; vector += 4) tile<1, 4, Zero>(b, output, 0, vector);
  }
  for (; b.vectors - vector >= 2; vector += 2) panel<2, Zero>(b, output, vector);
  if (vector < b.vectors) panel<1, Zero>(b, output, vector);
}

void group_product(const GroupProductBlock& b) {
  return b.input_zero != 0 ? product<true>(b) : product<false>(b);
}

}  // namespace
