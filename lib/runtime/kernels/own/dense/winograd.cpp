// SPDX-License-Identifier: Apache-2.0
// f32 convolutions of size 3 by minimal filtering: 16 multiplications where the definition takes
// 36. A strip of tile rows at a time: its transformed pixels, then for some vectors of output
// channels 16 products and the way back, so that what lies between stays in the second cache.
#include <algorithm>
#include <array>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/own/dense/linear_step.hpp"
#include "lib/runtime/kernels/own/dense/winograd_block.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

constexpr int64_t kGroupVectors = 2;  // of output channels, for one product
constexpr int64_t kLine = 16;         // floats of a cache line: strides are no powers of two

constexpr int64_t kMostLanes = 16;

// 3 x 3 filters of neighbouring output channels, tap by tap, and what becomes of them.
using Filters = std::array<std::array<double, kMostLanes>, 9>;
using Transformed = std::array<std::array<float, kMostLanes>, kWinogradPositions>;

// G g G^T, G being (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1), rounded once.
void transform_filters(const Filters& g, Transformed& out) {
  for (size_t lane = 0; lane < kMostLanes; ++lane) {
    double rows[4][3];
    for (size_t c = 0; c < 3; ++c) {
      const double a = g[c][lane], b = g[3 + c][lane], d = g[6 + c][lane];
      rows[0][c] = a;
      rows[1][c] = (a + b + d) / 2;
      rows[2][c] = (a - b + d) / 2;
      rows[3][c] = d;
    }
    for (size_t r = 0; r < 4; ++r) {
      const double a = rows[r][0], b = rows[r][1], d = rows[r][2];
      out[4 * r][lane] = static_cast<float>(a);
      out[4 * r + 1][lane] = static_cast<float>((a + b + d) / 2);
      out[4 * r + 2][lane] = static_cast<float>((a - b + d) / 2);
      out[4 * r + 3][lane] = static_cast<float>(d);
    }
  }
}

// Tiles that are worked on together.
struct Strip {
  int64_t first_row, rows;
  int64_t first_column, columns;
  int64_t tiles() const { return rows * columns; }
};

struct WinogradPlan {
  Conv2d g;
  int64_t lanes;
  int64_t tile_rows, tile_columns;
  int64_t strip_rows, strip_columns;  // of tiles
  int64_t in_padded, vectors;         // input channels; vectors of output channels
  std::vector<float> weights;  // for every two vectors: [position][input channel][vector][lane]
  std::vector<float> bias;     // padded to lanes
  std::vector<float> zeros;    // a row outside the image
  float low, high;
  int residual_input;
  int threads;

  explicit WinogradPlan(const StepSpec& step);
  int64_t strip_tiles() const { return strip_rows * strip_columns; }
  int64_t input_stride() const { return strip_tiles() * in_padded + kLine; }
  int64_t product_width() const { return std::min(vectors, kGroupVectors) * lanes; }
  int64_t product_stride() const { return strip_tiles() * product_width() + kLine; }
  int64_t worker_floats() const { return kWinogradPositions * (input_stride() + product_stride()); }
  int64_t strips_across() const { return (tile_columns + strip_columns - 1) / strip_columns; }
  int64_t strips() const { return (tile_rows + strip_rows - 1) / strip_rows * strips_across(); }
  void run(const RunArgs& args) const;

 private:
  int64_t group_weights(int64_t group_vectors) const;
  void pack(const std::vector<float>& stored);
  void transform(const float* image, const Strip& strip, float* to) const;
  void multiply(const float* transformed, int64_t tiles, int64_t vector, float* products) const;
  void finish(const RunArgs& args, int64_t n, const Strip& strip, int64_t vector,
              const float* products) const;
  Strip strip_at(int64_t index) const;
  void run_strip(const RunArgs& args, int64_t n, const Strip& strip, float* scratch) const;
};

// Enough tiles to fill the registers of a product several times, and not so many that the
// transformed pixels leave the second cache.
int64_t tiles_of_strip(const Conv2d& g) { return std::clamp<int64_t>(2048 / g.channels, 12, 36); }

// As many rows of tiles as that makes, and a strip for every thread.
int64_t rows_of_strip(const Conv2d& g, int64_t tile_rows, int64_t tile_columns, int threads) {
  const int64_t rows = std::clamp<int64_t>(tiles_of_strip(g) / tile_columns, 1, tile_rows);
  const int64_t shared = (tile_rows * g.batch + threads - 1) / threads;
  return std::min(rows, shared);
}

// Of one row: all, or of wide images equal parts.
int64_t columns_of_strip(const Conv2d& g, int64_t tile_columns) {
  const int64_t parts = std::max<int64_t>(1, tile_columns / tiles_of_strip(g));
  return (tile_columns + parts - 1) / parts;
}

WinogradPlan::WinogradPlan(const StepSpec& step)
    : g(conv_geometry(step)),
      lanes(linear_kernels().lanes),
      tile_rows((g.out_height + 1) / kWinogradOutput),
      tile_columns((g.out_width + 1) / kWinogradOutput),
      in_padded(round_up(g.channels, lanes)),
      vectors(round_up(g.out_channels, lanes) / lanes),
      low(step.clamp.low),
      high(step.clamp.high),
      residual_input(residual_index(step)),
      threads(linear_threads(step, g.macs())) {
  strip_rows = rows_of_strip(g, tile_rows, tile_columns, threads);
  strip_columns = columns_of_strip(g, tile_columns);
  bias.assign(static_cast<size_t>(vectors * lanes), 0.0F);
  if (step.has_input(2)) {
    const std::vector<float> given = ir::to_f32(*step.input(2).constant);
    std::ranges::copy(given, bias.begin());
  }
  zeros.assign(static_cast<size_t>(g.width * g.channels), 0.0F);
  pack(ir::to_f32(*step.input(1).constant));
}

// Floats of the weights of two vectors of output channels, or of the last one.
int64_t WinogradPlan::group_weights(int64_t group_vectors) const {
  return kWinogradPositions * g.channels * group_vectors * lanes;
}

void WinogradPlan::pack(const std::vector<float>& stored) {
  weights.resize(static_cast<size_t>(group_weights(vectors)));
  for (int64_t vector = 0; vector < vectors; ++vector) {
    const int64_t first = vector / kGroupVectors * kGroupVectors;
    const int64_t group = std::min(kGroupVectors, vectors - first);
    const int64_t channels = std::min(lanes, g.out_channels - vector * lanes);
    float* to = weights.data() + group_weights(first) + (vector - first) * lanes;
    for (int64_t c = 0; c < g.channels; ++c) {
      Filters filters{};
      for (int64_t lane = 0; lane < channels; ++lane) {
        const float* from = stored.data() + ((vector * lanes + lane) * g.channels + c) * 9;
        for (size_t tap = 0; tap < 9; ++tap) filters[tap][static_cast<size_t>(lane)] = from[tap];
      }
      Transformed transformed;
      transform_filters(filters, transformed);
      for (int64_t p = 0; p < kWinogradPositions; ++p) {
        std::copy_n(transformed[static_cast<size_t>(p)].data(), lanes,
                    to + (p * g.channels + c) * group * lanes);
      }
    }
  }
}

void WinogradPlan::transform(const float* image, const Strip& strip, float* to) const {
  WinogradInput in;
  in.width = g.width;
  in.channels = g.channels;
  in.first_column = strip.first_column * kWinogradOutput - g.pad_left;
  in.tiles = strip.columns;
  in.position_stride = input_stride();
  in.vector_stride = strip_tiles() * lanes;
  for (int64_t row = 0; row < strip.rows; ++row) {
    for (int64_t r = 0; r < kWinogradTile; ++r) {
      const int64_t y = (strip.first_row + row) * kWinogradOutput - g.pad_top + r;
      const bool inside = y >= 0 && y < g.height;
      in.rows[r] = inside ? image + y * g.width * g.channels : zeros.data();
    }
    in.output = to + row * strip.columns * lanes;
    linear_kernels().winograd_input(in);
  }
}

void WinogradPlan::multiply(const float* transformed, int64_t tiles, int64_t vector,
                            float* products) const {
  WinogradProducts b;
  b.input = transformed;
  b.input_stride = input_stride();
  b.vector_stride = strip_tiles() * lanes;
  b.channels = g.channels;
  b.tiles = tiles;
  b.weights = weights.data() + group_weights(vector);
  b.vectors = std::min(kGroupVectors, vectors - vector);
  b.output = products;
  b.output_stride = product_stride();
  linear_kernels().winograd_products(b);
}

void WinogradPlan::finish(const RunArgs& args, int64_t n, const Strip& strip, int64_t vector,
                          const float* products) const {
  const int64_t first_pixel = strip.first_column * kWinogradOutput;
  WinogradOutput out;
  out.position_stride = product_stride();
  out.tile_stride = std::min(kGroupVectors, vectors - vector) * lanes;
  out.tiles = strip.columns;
  out.bias = bias.data() + vector * lanes;
  out.low = low;
  out.high = high;
  out.width = g.out_width - first_pixel;
  out.pixel_stride = g.out_channels;
  out.row_stride = g.out_width * g.out_channels;
  out.channels = std::min(kGroupVectors * lanes, g.out_channels - vector * lanes);
  for (int64_t row = 0; row < strip.rows; ++row) {
    const int64_t y = (strip.first_row + row) * kWinogradOutput;
    const int64_t pixel = (n * g.out_height + y) * g.out_width + first_pixel;
    const int64_t to = pixel * g.out_channels + vector * lanes;
    out.products = products + row * strip.columns * out.tile_stride;
    out.rows = std::min(kWinogradOutput, g.out_height - y);
    out.output = args.out<float>() + to;
    if (residual_input >= 0) out.residual = args.in<float>(residual_input) + to;
    linear_kernels().winograd_output(out);
  }
}

Strip WinogradPlan::strip_at(int64_t index) const {
  const int64_t row = index / strips_across() * strip_rows;
  const int64_t column = index % strips_across() * strip_columns;
  return {row, std::min(strip_rows, tile_rows - row), column,
          std::min(strip_columns, tile_columns - column)};
}

void WinogradPlan::run_strip(const RunArgs& args, int64_t n, const Strip& strip,
                             float* scratch) const {
  float* products = scratch + kWinogradPositions * input_stride();
  transform(args.in<float>(0) + n * g.height * g.width * g.channels, strip, scratch);
  for (int64_t vector = 0; vector < vectors; vector += kGroupVectors) {
    multiply(scratch, strip.tiles(), vector, products);
    finish(args, n, strip, vector, products);
  }
}

void WinogradPlan::run(const RunArgs& args) const {
  auto* scratch = reinterpret_cast<float*>(args.scratch);
  parallel_for_workers(g.batch * strips(), threads, [&](int64_t i, int worker) {
    run_strip(args, i / strips(), strip_at(i % strips()), scratch + worker * worker_floats());
  });
}

}  // namespace

// Which convolutions never depends on the batch: the bits of an item may not. Weights have to stay
// in the second cache between strips (measured: 256 channels and more take longer than by the
// definition), and fewer tiles or channels leave registers empty.
bool supports_winograd(const StepSpec& step) {
  constexpr int64_t kWeightFloats = 1 << 18;
  constexpr int64_t kFewestTiles = 4, kFewestChannels = 16;
  if (step.integer || active_isa() == Isa::kScalar || !supports_conv(step)) return false;
  const Conv2d g = conv_geometry(step);
  const bool size_3 = g.kernel_height == 3 && g.kernel_width == 3;
  const bool dense = g.dilation_height == 1 && g.dilation_width == 1 && g.groups == 1;
  if (!size_3 || !dense || g.stride_height != 1 || g.stride_width != 1) return false;
  const int64_t tiles =
      (g.out_height + 1) / kWinogradOutput * ((g.out_width + 1) / kWinogradOutput);
  return std::min(g.channels, g.out_channels) >= kFewestChannels && tiles >= kFewestTiles &&
         kWinogradPositions * g.channels * g.out_channels <= kWeightFloats;
}

Kernel make_winograd(const StepSpec& step) {
  auto plan = std::make_shared<const WinogradPlan>(step);
  Kernel kernel{.name = linear_kernel_name(step, "winograd-conv"), .in_place = true};
  kernel.packed_bytes = static_cast<int64_t>((plan->weights.size() + plan->bias.size()) * 4);
  kernel.scratch_bytes = plan->worker_floats() * 4 * std::max(1, plan->threads);
  kernel.run = [plan = std::move(plan)](const RunArgs& args) { plan->run(args); };
  return kernel;
}

}  // namespace pare::runtime::own
