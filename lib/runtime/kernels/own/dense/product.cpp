// SPDX-License-Identifier: Apache-2.0
// f32 Gemm and MatMul of several rows with constant weights. The depth
// is cut into blocks: the weights of one block for two vectors of columns stay in the caches while
// tiles of rows meet them, and those of the next are asked for meanwhile. A sum takes its products
// in the order of the depth however it is cut, so a row has the bits that it has alone.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/own/dense/linear_step.hpp"
#include "lib/runtime/kernels/own/dense/product_block.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

constexpr int64_t kPair = 2;          // vectors of columns
constexpr int64_t kBlockDepth = 512;  // at most
constexpr int64_t kPanelTiles = 8;    // of rows
constexpr int64_t kLine = 16;         // floats

// Some of the depth for all columns.
struct DepthBlock {
  int64_t first = 0;
  int64_t depth = 0;
  std::vector<float> weights;  // for every two vectors: [depth][vector][lane]
};

struct ProductPlan {
  MatrixProduct g;
  int64_t lanes, vectors;
  std::vector<DepthBlock> blocks;
  std::vector<float> bias;  // padded to lanes
  Clamp clamp;
  int64_t tile_rows;  // of most tiles
  int64_t row_stride;
  int residual_input;
  int threads;

  explicit ProductPlan(const StepSpec& step);
  int64_t pairs() const { return (vectors + kPair - 1) / kPair; }
  int64_t tiles() const { return (g.rows + tile_rows - 1) / tile_rows; }
  int64_t packed_bytes() const { return (g.depth + 1) * vectors * lanes * 4; }
  int64_t scratch_bytes() const { return row_stride == g.depth ? 0 : g.rows * row_stride * 4; }
  void run(const RunArgs& args) const;

 private:
  DepthBlock pack(const std::vector<float>& stored, int64_t first, int64_t depth) const;
  const float* rows(const RunArgs& args) const;
  void multiply(const RunArgs& args, const float* input, const DepthBlock& block, int64_t pair,
                int64_t tile) const;
  void run_part(const RunArgs& args, const float* input, int64_t first_pair, int64_t last_pair,
                int64_t first_tile, int64_t last_tile) const;
};

// As many rows as a tile holds, or fewer so that all tiles have nearly equal work.
int64_t rows_of_tile(int64_t rows, int64_t most) {
  const int64_t tiles = (rows + most - 1) / most;
  return (rows + tiles - 1) / tiles;
}

// Rows a multiple of 2048 bytes apart share a few lines of the first cache: those are copied.
int64_t distance_of_rows(const MatrixProduct& g) {
  return g.depth % 512 == 0 ? g.depth + kLine : g.depth;
}

ProductPlan::ProductPlan(const StepSpec& step)
    : g(matrix_geometry(step)),
      lanes(linear_kernels().lanes),
      vectors(round_up(g.columns, lanes) / lanes),
      clamp(step.clamp),
      tile_rows(rows_of_tile(g.rows, linear_kernels().product_rows)),
      row_stride(distance_of_rows(g)),
      residual_input(residual_index(step)),
      threads(linear_threads(step, g.macs())) {
  const std::vector<float> stored = ir::to_f32(*step.input(1).constant);
  bias.assign(static_cast<size_t>(vectors * lanes), 0.0F);
  if (step.has_input(2)) std::ranges::copy(ir::to_f32(*step.input(2).constant), bias.begin());
  const int64_t count = (g.depth + kBlockDepth - 1) / kBlockDepth;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = g.depth * i / count;
    blocks.push_back(pack(stored, first, g.depth * (i + 1) / count - first));
  }
}

DepthBlock ProductPlan::pack(const std::vector<float>& stored, int64_t first, int64_t depth) const {
  DepthBlock block{first, depth, {}};
  block.weights.assign(static_cast<size_t>(depth * vectors * lanes), 0.0F);
  for (int64_t column = 0; column < g.columns; ++column) {
    const int64_t vector = column / lanes, pair_first = vector / kPair * kPair;
    const int64_t together = std::min(kPair, vectors - pair_first);
    float* to = block.weights.data() + pair_first * lanes * depth + (vector - pair_first) * lanes +
                column % lanes;
    for (int64_t s = 0; s < depth; ++s) {
      to[s * together * lanes] = stored[static_cast<size_t>(product_weight(g, column, first + s))];
    }
  }
  return block;
}

// The input, or a copy of it with other distances between rows.
const float* ProductPlan::rows(const RunArgs& args) const {
  if (row_stride == g.depth) return args.in<float>(0);
  auto* copy = reinterpret_cast<float*>(args.scratch);
  parallel_for(g.rows, threads, [&](int64_t row) {
    std::memcpy(copy + row * row_stride, args.in<float>(0) + row * g.depth,
                static_cast<size_t>(g.depth) * sizeof(float));
  });
  return copy;
}

void ProductPlan::multiply(const RunArgs& args, const float* input, const DepthBlock& block,
                           int64_t pair, int64_t tile) const {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const bool last = block.first + block.depth == g.depth;
  const int64_t row = tile * tile_rows, column = pair * kPair * lanes;
  ProductBlock b;
  b.input = input + row * row_stride + block.first;
  b.rows = std::min(tile_rows, g.rows - row);
  b.row_stride = row_stride;
  b.depth = block.depth;
  b.weights = block.weights.data() + column * block.depth;
  b.vectors = std::min(kPair, vectors - pair * kPair);
  // The next pair's, half of them a tile.
  const int64_t half = lanes * block.depth;
  b.ahead = b.weights + b.vectors * half + tile % 2 * half;
  if (block.first == 0) b.bias = bias.data() + column;
  b.low = last ? clamp.low : -kInfinity;
  b.high = last ? clamp.high : kInfinity;
  b.columns = g.columns - column;
  b.output_stride = g.columns;
  const int64_t to = row * g.columns + column;
  b.output = args.out<float>() + to;
  if (last && residual_input >= 0) b.residual = args.in<float>(residual_input) + to;
  linear_kernels().real_product(b);
}

void ProductPlan::run_part(const RunArgs& args, const float* input, int64_t first_pair,
                           int64_t last_pair, int64_t first_tile, int64_t last_tile) const {
  // What the blocks of the depth add to stays in the second cache.
  for (int64_t panel = first_tile; panel < last_tile; panel += kPanelTiles) {
    const int64_t panel_end = std::min(panel + kPanelTiles, last_tile);
    for (const DepthBlock& block : blocks) {
      for (int64_t pair = first_pair; pair < last_pair; ++pair) {
        for (int64_t tile = panel; tile < panel_end; ++tile) {
          multiply(args, input, block, pair, tile);
        }
      }
    }
  }
}

// Threads share the columns, so that each reads weights of its own, or many tiles.
void ProductPlan::run(const RunArgs& args) const {
  constexpr int64_t kManyTiles = 8, kTurns = 4;  // of a thread
  const float* input = rows(args);
  if (threads <= 1) return run_part(args, input, 0, pairs(), 0, tiles());
  const bool by_tiles = tiles() >= kManyTiles * threads;
  const int64_t shared = by_tiles ? tiles() : pairs();
  const int64_t parts = std::min<int64_t>(shared, by_tiles ? threads : kTurns * threads);
  parallel_for(parts, threads, [&](int64_t part) {
    const int64_t begin = shared * part / parts, end = shared * (part + 1) / parts;
    by_tiles ? run_part(args, input, 0, pairs(), begin, end)
             : run_part(args, input, begin, end, 0, tiles());
  });
}

}  // namespace

// A few rows do not fill a tile's registers: linear.cpp has loops for those, with the same bits.
bool supports_row_product(const StepSpec& step) {
  return !step.integer && supports_product(step) &&
         matrix_geometry(step).rows > linear_kernels().product_rows / 2;
}

Kernel make_row_product(const StepSpec& step) {
  auto plan = std::make_shared<const ProductPlan>(step);
  Kernel kernel{.name = linear_kernel_name(step, "gemm"), .in_place = true};
  kernel.packed_bytes = plan->packed_bytes();
  kernel.scratch_bytes = plan->scratch_bytes();
  kernel.run = [plan = std::move(plan)](const RunArgs& args) { plan->run(args); };
  return kernel;
}

}  // namespace pare::runtime::own
