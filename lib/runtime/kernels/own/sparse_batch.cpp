// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/own/sparse_batch.hpp"

#include <algorithm>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/float_epilogue.hpp"
#include "lib/runtime/kernels/own/packed_memory.hpp"

namespace pare::runtime::own {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Real values with their blocks, part after part.
struct StrandRows {
  int64_t columns = 0, x_blocks = 0, segments = 0;
  PackedVector<uint16_t> counts;
  PackedVector<uint8_t> blocks;
  PackedVector<float> values;
  std::vector<int64_t> first;  // a part's first value

  StrandRows(const ir::Tensor& weight, const MatrixProduct& g, std::span<const uint8_t> kept);
  int64_t bytes() const {
    return static_cast<int64_t>(counts.size() * 2 + blocks.size() + values.size() * 4 +
                                first.size() * 8);
  }
  int64_t parts() const { return static_cast<int64_t>(first.size()); }
  SparseStrands part(int64_t i) const {
    const int64_t at = first[static_cast<size_t>(i)];
    return {.counts = counts.data() + i * kSparsePartRows * kSparseBlock * segments,
            .blocks = blocks.data() + at,
            .values = values.data() + at,
            .rows = std::min(kSparsePartRows, columns - i * kSparsePartRows),
            .x_blocks = x_blocks};
  }
};

StrandRows::StrandRows(const ir::Tensor& weight, const MatrixProduct& g,
                       std::span<const uint8_t> kept)
    : columns(g.columns),
      x_blocks(ceil_div(g.depth, kSparseBlock)),
      segments(ceil_div(x_blocks, kSegmentBlocks)) {
  const std::vector<float> dense = ir::to_f32(weight);
  const auto stored = static_cast<size_t>(weight.stored_elements());
  counts.assign(static_cast<size_t>(columns * kSparseBlock * segments), 0);
  blocks.reserve(stored);
  values.reserve(stored);
  uint16_t* count = counts.data();
  for (int64_t begin = 0; begin < columns; begin += kSparsePartRows) {
    first.push_back(static_cast<int64_t>(values.size()));
    const int64_t end = std::min(begin + kSparsePartRows, columns);
    for (int64_t leaf = 0; leaf < kSparseBlock; ++leaf) {
      for (int64_t row = begin; row < end; ++row, count += segments) {
        const int64_t strand = strand_of_leaf(leaf);
        for (int64_t k = strand; k < g.depth; k += kSparseBlock) {
          const auto at = static_cast<size_t>(row * g.depth + k);
          if (kept[at] == 0) continue;
          const int64_t block = k / kSparseBlock;
          ++count[block / kSegmentBlocks];
          blocks.push_back(static_cast<uint8_t>(block % kSegmentBlocks));
          values.push_back(dense[at]);
        }
      }
    }
  }
}

// Rows of x that are multiplied at once, padded to whole vectors.
struct Tile {
  int64_t first, rows, vectors;
  const float* x;  // as SparseKernels::strands takes them
};

struct SparseBatch {
  StrandRows weights;
  MatrixProduct g;
  SparseKernels kernels;
  FloatEpilogue epilogue;
  int threads = 1;

  static constexpr int64_t kTileRows = kMostVectors * kSparseLanes;
  int64_t tiles() const { return ceil_div(g.rows, kTileRows); }
  int64_t column_floats() const { return weights.x_blocks * kSparseBlock; }
  Tile tile(int64_t i, const float* x) const;
  int64_t x_floats() const {
    return (g.rows / kTileRows * kTileRows +
            tile(g.rows / kTileRows, nullptr).vectors * kSparseLanes) *
           column_floats();
  }
  void run(const RunArgs& args) const;

 private:
  void take_strand(const float* from, const Tile& tile, int64_t leaf, float* to) const;
};

Tile SparseBatch::tile(int64_t i, const float* x) const {
  Tile tile{.first = i * kTileRows};
  tile.rows = std::min(kTileRows, g.rows - tile.first);
  tile.vectors = ceil_div(tile.rows, kSparseLanes);
  if (tile.vectors == 3) tile.vectors = 4;
  if (tile.vectors > 4) tile.vectors = 8;
  tile.x = x + tile.first * column_floats();
  return tile;
}

// [block][row of x], zeros where there is no such column or row.
void SparseBatch::take_strand(const float* from, const Tile& tile, int64_t leaf, float* to) const {
  const int64_t width = tile.vectors * kSparseLanes;
  for (int64_t block = 0; block < weights.x_blocks; ++block, to += width) {
    const int64_t column = block * kSparseBlock + strand_of_leaf(leaf);
    std::fill_n(to, width, 0.0F);
    if (column >= g.depth) continue;
    for (int64_t m = 0; m < tile.rows; ++m) to[m] = from[(tile.first + m) * g.depth + column];
  }
}

void SparseBatch::run(const RunArgs& args) const {
  auto* x = reinterpret_cast<float*>(args.scratch);
  parallel_for(tiles() * kSparseBlock, threads, [&](int64_t i) {
    const Tile t = tile(i / kSparseBlock, x);
    const int64_t leaf = i % kSparseBlock;
    float* to = x + (t.x - x) + leaf * weights.x_blocks * t.vectors * kSparseLanes;
    take_strand(args.in<float>(0), t, leaf, to);
  });
  parallel_for(tiles() * weights.parts(), threads, [&](int64_t i) {
    const Tile t = tile(i / weights.parts(), x);
    const int64_t index = i % weights.parts();
    const SparseStrands part = weights.part(index);
    alignas(64) float sums[kSparsePartRows * kTileRows];
    kernels.strands(part, t.x, t.vectors, sums);
    for (int64_t m = 0; m < t.rows; ++m) {
      epilogue.finish(args, t.first + m, index * kSparsePartRows, part.rows, sums + m,
                      t.vectors * kSparseLanes);
    }
  });
}

}  // namespace

Kernel make_sparse_batch(const StepSpec& step, std::span<const uint8_t> kept,
                         const SparseKernels& kernels) {
  const MatrixProduct g = matrix_geometry(step);
  const auto product = std::make_shared<const SparseBatch>(
      SparseBatch{.weights = {*step.input(1).constant, g, kept},
                  .g = g,
                  .kernels = kernels,
                  .epilogue = {step, g.columns},
                  .threads = g.macs() < 400'000 ? 1 : step.threads});
  Kernel kernel;
  kernel.packed_bytes = product->weights.bytes() + product->epilogue.bytes();
  kernel.scratch_bytes = product->x_floats() * 4;
  kernel.run = [product](const RunArgs& args) { product->run(args); };
  return kernel;
}

}  // namespace pare::runtime::own
