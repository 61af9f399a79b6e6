// SPDX-License-Identifier: Apache-2.0
// Pruned weights packed for the loops of sparse.hpp: codes in rounds, for any number of rows of x,
// and real values in strands, for many.
#pragma once

#include <span>
#include <vector>

#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/packed_memory.hpp"
#include "lib/runtime/kernels/own/sparse/sparse.hpp"

namespace pare::runtime::own {

// Of every weight whether it is stored.
std::vector<uint8_t> kept_weights(const ir::Tensor& weight);

// Codes in rounds.
struct RoundRows {
  int64_t depth = 0;
  PackedVector<uint16_t> columns;  // of rounds
  PackedVector<int16_t> entries;
  std::vector<int64_t> first;  // a panel's first round, and the end
  std::vector<float> scales;   // a row, padded

  RoundRows(const ir::Tensor& weight, const MatrixProduct& g);
  int64_t room() const { return depth + kRoundColumns; }
  int64_t bytes() const {
    return static_cast<int64_t>((columns.size() + entries.size()) * 2 + first.size() * 8 +
                                scales.size() * 4);
  }
  int64_t parts() const { return static_cast<int64_t>(first.size()) - 1; }
  static constexpr int64_t kPartRows = kSparseRows;
  SparseRounds part(int64_t i) const {
    const int64_t begin = first[static_cast<size_t>(i)];
    return {.columns = columns.data() + begin,
            .entries = entries.data() + begin * kRoundSteps * kSparseRows,
            .rounds = first[static_cast<size_t>(i + 1)] - begin};
  }
  void product(const SparseKernels& kernels, int64_t panel, const float* x, float* y) const {
    kernels.codes(part(panel), x, y);
    for (int64_t r = 0; r < kSparseRows; ++r) {
      y[r] *= scales[static_cast<size_t>(panel * kSparseRows + r)];
    }
  }

  // For many rows of x: what a place of theirs holds, and a part's sums.
  static constexpr int64_t kBatchVectors = 2;
  int64_t places() const { return room(); }
  int64_t column_at(int64_t place) const { return place; }
  void batch(const SparseKernels& kernels, int64_t panel, const float* x, int64_t vectors,
             float* y) const {
    kernels.codes_batch(part(panel), x, vectors, y);
    const int64_t width = vectors * kSparseLanes;
    for (int64_t i = 0; i < kSparseRows * width; ++i) {
      y[i] *= scales[static_cast<size_t>(panel * kSparseRows + i / width)];
    }
  }

 private:
  struct Entry {
    int64_t column;
    int32_t code;
  };
  void add_panel(std::span<const std::vector<Entry>> rows);
};

// Real values with their blocks, part after part.
struct StrandRows {
  int64_t columns = 0, x_blocks = 0, segments = 0;
  PackedVector<uint16_t> counts;
  PackedVector<uint8_t> blocks;
  PackedVector<float> values;
  std::vector<int64_t> first;  // a part's first value

  StrandRows(const ir::Tensor& weight, const MatrixProduct& g);
  int64_t bytes() const {
    return static_cast<int64_t>(counts.size() * 2 + blocks.size() + values.size() * 4 +
                                first.size() * 8);
  }
  int64_t parts() const { return static_cast<int64_t>(first.size()); }
  static constexpr int64_t kPartRows = kSparsePartRows;
  static constexpr int64_t kBatchVectors = kMostVectors;
  int64_t places() const { return x_blocks * kSparseBlock; }
  int64_t column_at(int64_t place) const {
    return place % x_blocks * kSparseBlock + strand_of_leaf(place / x_blocks);
  }
  void batch(const SparseKernels& kernels, int64_t i, const float* x, int64_t vectors,
             float* y) const {
    kernels.strands(part(i), x, vectors, y);
  }
  SparseStrands part(int64_t i) const {
    const int64_t at = first[static_cast<size_t>(i)];
    return {.counts = counts.data() + i * kSparsePartRows * kSparseBlock * segments,
            .blocks = blocks.data() + at,
            .values = values.data() + at,
            .rows = std::min(kSparsePartRows, columns - i * kSparsePartRows),
            .x_blocks = x_blocks};
  }
};

}  // namespace pare::runtime::own
