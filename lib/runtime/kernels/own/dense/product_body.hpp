// SPDX-License-Identifier: Apache-2.0
// The loop of product_block.hpp over the Vec that the including file chose. In an unnamed
// namespace, so each ISA has its own copy.
#pragma once

#include "lib/runtime/kernels/own/dense/arithmetic_body.hpp"
#include "lib/runtime/kernels/own/dense/product_block.hpp"

namespace {

using pare::runtime::own::ProductBlock;

template <int P, int V>
[[gnu::always_inline]] inline void start_sums(const ProductBlock& b, Vec::F (&sums)[P][V]) {
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const int64_t column = v * Vec::kLanes;
    if (b.bias != nullptr) {
      const Vec::F bias = Vec::load_f32(b.bias + column);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sums[p][v] = bias;
    } else {
      const int64_t lanes = lanes_at(b.columns, column);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        sums[p][v] = Vec::load_f32(b.output + p * b.output_stride + column, lanes);
      }
    }
  }
}

template <int P, int V>
[[gnu::always_inline]] inline void store_sums(const ProductBlock& b, const Vec::F (&sums)[P][V]) {
  const Vec::F low = Vec::set(b.low), high = Vec::set(b.high);
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const int64_t column = v * Vec::kLanes;
    const int64_t lanes = lanes_at(b.columns, column);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const int64_t at = p * b.output_stride + column;
      Vec::F y = sums[p][v];
      if (b.residual != nullptr) y = Vec::add(y, Vec::load_f32(b.residual + at, lanes));
      Vec::store_f32(b.output + at, Vec::min(high, Vec::max(low, y)), lanes);
    }
  }
}

// P rows times V vectors, all sums in registers. Every third row has a pointer, from which the two
// after it are one and two strides away: addresses that take no arithmetic.
template <int P, int V>
void product_tile(const ProductBlock& b) {
  Vec::F sums[P][V];
  start_sums(b, sums);
  constexpr int kPointers = (P + 2) / 3;
  const float* rows[kPointers];
#pragma GCC unroll 6
  for (int i = 0; i < kPointers; ++i) rows[i] = b.input + i * 3 * b.row_stride;
  const float* weights = b.weights;
  const float* ahead = b.ahead;
#pragma GCC unroll 2
  for (int64_t s = 0; s < b.depth; ++s) {
    Vec::F w[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) w[v] = Vec::load_f32(weights + v * Vec::kLanes);
    weights += V * Vec::kLanes;
    __builtin_prefetch(ahead, 0, 2);
    ahead += Vec::kLanes;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const Vec::F x = Vec::broadcast_f32(rows[p / 3] + p % 3 * b.row_stride);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sums[p][v] = Vec::multiply_add(x, w[v], sums[p][v]);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kPointers; ++i) ++rows[i];
  }
  store_sums(b, sums);
}

template <int P, int V>
void product_of(const ProductBlock& b) {
  if (b.rows == P) return product_tile<P, V>(b);
  if constexpr (P > 1) product_of<P - 1, V>(b);
}

void real_product(const ProductBlock& b) {
  constexpr int kMost = Vec::kPixels[2];
  b.vectors == 2 ? product_of<kMost, 2>(b) : product_of<kMost, 1>(b);
}

}  // namespace
