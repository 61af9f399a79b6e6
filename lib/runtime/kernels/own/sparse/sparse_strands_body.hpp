// SPDX-License-Identifier: Apache-2.0
// Sparse products of real values, as sparse.hpp has them: of many rows of x, and of one where
// nothing expands a mask. In an unnamed namespace: each ISA's file has its own copy and its own
// Lanes (16 floats).
#pragma once

#include <cmath>

#include "lib/runtime/kernels/own/sparse/sparse.hpp"

namespace {

using pare::runtime::own::kSegmentBlocks;
using pare::runtime::own::kSparseBlock;
using pare::runtime::own::kSparseLanes;
using pare::runtime::own::kSparsePartRows;
using pare::runtime::own::SparseRow;
using pare::runtime::own::SparseStrands;

constexpr int kLevels = 6;  // of the tree of 64 strands

template <int V>
[[gnu::always_inline]] inline void add_weight(float value, const float* x, Lanes (&sums)[V]) {
  const Lanes weight = Lanes::set(value);
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    sums[v].add_product(weight, Lanes::load(x + v * kSparseLanes));
  }
}

// A row's weights of a segment of a strand: only what is kept costs anything.
template <int V>
[[gnu::always_inline]] inline void add_segment(int64_t count, const uint8_t* blocks,
                                               const float* values, const float* x,
                                               Lanes (&sums)[V]) {
  constexpr int64_t kRowFloats = V * kSparseLanes;
  for (; count >= 4; count -= 4, blocks += 4, values += 4) {
#pragma GCC unroll 8
    for (int i = 0; i < 4; ++i) add_weight<V>(values[i], x + blocks[i] * kRowFloats, sums);
  }
  for (; count > 0; --count) add_weight<V>(*values++, x + *blocks++ * kRowFloats, sums);
}

template <int V>
void strands_of(const SparseStrands& part, const float* x, float* y) {
  constexpr int64_t kRowFloats = V * kSparseLanes;
  // [level][row]: a left child's sum, while its sibling's is made.
  alignas(64) float left[kLevels][kSparsePartRows * kRowFloats];
  const int64_t segments = (part.x_blocks + kSegmentBlocks - 1) / kSegmentBlocks;
  const uint16_t* counts = part.counts;
  const uint8_t* blocks = part.blocks;
  const float* values = part.values;
  for (int64_t leaf = 0; leaf < kSparseBlock; ++leaf, x += part.x_blocks * kRowFloats) {
    const int level = __builtin_ctzll(~static_cast<uint64_t>(leaf));  // that it completes
    float* const to = level == kLevels ? y : left[level];
    for (int64_t row = 0; row < part.rows; ++row) {
      Lanes sums[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sums[v] = Lanes::zero();
      for (int64_t segment = 0; segment < segments; ++segment) {
        const int64_t count = *counts++;
        add_segment<V>(count, blocks, values, x + segment * kSegmentBlocks * kRowFloats, sums);
        blocks += count;
        values += count;
      }
      const int64_t at = row * kRowFloats;
      for (int l = 0; l < level; ++l) {
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v)
          sums[v] = Lanes::load(left[l] + at + v * kSparseLanes).plus(sums[v]);
      }
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sums[v].store(to + at + v * kSparseLanes);
    }
  }
}

void strands(const SparseStrands& part, const float* x, int64_t vectors, float* y) {
  if (vectors == 1) return strands_of<1>(part, x, y);
  if (vectors == 2) return strands_of<2>(part, x, y);
  if (vectors <= 4) return strands_of<4>(part, x, y);
  strands_of<8>(part, x, y);
}

// As many sums as there are strands, added up as their tree.
[[maybe_unused]] float walked_dot(const SparseRow& row, const float* x) {
  float sums[kSparseBlock] = {};
  const float* value = row.values;
  for (int64_t block = 0; block < row.blocks; ++block, x += kSparseBlock) {
    for (uint64_t mask = row.masks[block]; mask != 0; mask &= mask - 1) {
      const int lane = __builtin_ctzll(mask);
      sums[lane] = std::fma(*value++, x[lane], sums[lane]);
    }
  }
  for (int i = 0; i < 16; ++i) sums[i] = (sums[i] + sums[i + 16]) + (sums[i + 32] + sums[i + 48]);
  for (int i = 0; i < 8; ++i) sums[i] += sums[i + 8];
  for (int i = 0; i < 4; ++i) sums[i] += sums[i + 4];
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

}  // namespace
