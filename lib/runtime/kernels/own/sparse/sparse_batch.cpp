// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/own/sparse/sparse_batch.hpp"

#include <algorithm>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/own/float_epilogue.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_rows.hpp"

namespace pare::runtime::own {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows of x that are multiplied at once, padded to 1, 2, 4 or 8 vectors.
struct Tile {
  int64_t first, rows, vectors;
  int64_t offset;  // of its x, [place][row], in the scratch memory

  int64_t width() const { return vectors * kSparseLanes; }
};

template <class Rows>
struct SparseBatch {
  Rows weights;
  MatrixProduct g;
  SparseKernels kernels;
  FloatEpilogue epilogue;
  int threads = 1;

  static constexpr int64_t kTileRows = Rows::kBatchVectors * kSparseLanes;
  int64_t tiles() const { return ceil_div(g.rows, kTileRows); }
  Tile tile(int64_t i) const;
  int64_t x_floats() const {
    const Tile last = tile(tiles() - 1);
    return last.offset + last.width() * weights.places();
  }
  void run(const RunArgs& args) const;

 private:
  void take_places(const float* from, const Tile& tile, int64_t first, float* to) const;
};

template <class Rows>
Tile SparseBatch<Rows>::tile(int64_t i) const {
  Tile tile{.first = i * kTileRows, .rows = 0, .vectors = 1, .offset = 0};
  tile.rows = std::min(kTileRows, g.rows - tile.first);
  while (tile.width() < tile.rows) tile.vectors *= 2;
  tile.offset = tile.first * weights.places();
  return tile;
}

constexpr int64_t kPlacesAtOnce = 64;

// Zeros where there is no such column or row.
template <class Rows>
void SparseBatch<Rows>::take_places(const float* from, const Tile& tile, int64_t first,
                                    float* to) const {
  const int64_t end = std::min(first + kPlacesAtOnce, weights.places());
  for (int64_t place = first; place < end; ++place) {
    float* const at = to + place * tile.width();
    const int64_t column = weights.column_at(place);
    std::fill_n(at, tile.width(), 0.0F);
    if (column >= g.depth) continue;
    for (int64_t m = 0; m < tile.rows; ++m) at[m] = from[(tile.first + m) * g.depth + column];
  }
}

template <class Rows>
void SparseBatch<Rows>::run(const RunArgs& args) const {
  auto* x = reinterpret_cast<float*>(args.scratch);
  const int64_t pieces = ceil_div(weights.places(), kPlacesAtOnce);
  parallel_for(tiles() * pieces, threads, [&](int64_t i) {
    const Tile t = tile(i / pieces);
    take_places(args.in<float>(0), t, i % pieces * kPlacesAtOnce, x + t.offset);
  });
  parallel_for(tiles() * weights.parts(), threads, [&](int64_t i) {
    const Tile t = tile(i / weights.parts());
    const int64_t part = i % weights.parts();
    const int64_t first = part * Rows::kPartRows;
    alignas(64) float sums[Rows::kPartRows * kTileRows];
    weights.batch(kernels, part, x + t.offset, t.vectors, sums);
    for (int64_t m = 0; m < t.rows; ++m) {
      epilogue.finish(args, t.first + m, first, std::min(Rows::kPartRows, g.columns - first),
                      sums + m, t.width());
    }
  });
}

template <class Rows>
Kernel make(const StepSpec& step, const SparseKernels& kernels) {
  const MatrixProduct g = matrix_geometry(step);
  const auto product = std::make_shared<const SparseBatch<Rows>>(
      SparseBatch<Rows>{.weights = {*step.input(1).constant, g},
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

}  // namespace

Kernel make_sparse_batch(const StepSpec& step, const SparseKernels& kernels) {
  const bool codes = step.input(1).constant->is_quantized();
  return codes ? make<RoundRows>(step, kernels) : make<StrandRows>(step, kernels);
}

}  // namespace pare::runtime::own
