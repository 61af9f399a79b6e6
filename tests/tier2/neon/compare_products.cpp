// SPDX-License-Identifier: Apache-2.0
// The NEON loops of f32 products and of minimal filtering against the plain ones, on drawn blocks,
// within the rounding bound. Cross-compiled and run under emulation; both take four lanes, so they
// read the same packed weights.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "lib/runtime/kernels/own/dense/linear_block.hpp"

using namespace pare::runtime::own;

namespace {

std::mt19937 generator(1);
int64_t below(int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); }

std::vector<float> draw(int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& x : out) x = static_cast<float>(below(2001) - 1000) / 1000.0F;
  return out;
}

bool agree(const std::vector<float>& a, const std::vector<float>& b, double bound) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::abs(static_cast<double>(a[i]) - b[i]) > bound) return false;
  }
  return true;
}

// Sums of `terms` products below `most`, in two orders of rounding.
double bound_of(int64_t terms, double most) {
  const auto n = static_cast<double>(terms) + 2;
  return 2 * n * n * 0x1p-24 * most;
}

constexpr int64_t kLanes = 4;

bool check_product() {
  const int64_t rows = 1 + below(kLinearNeon.product_rows), depth = 1 + below(70);
  const int64_t vectors = 1 + below(2), columns = vectors * kLanes - below(kLanes);
  const std::vector<float> input = draw(rows * depth), weights = draw(depth * vectors * kLanes);
  const std::vector<float> bias = draw(vectors * kLanes), residual = draw(rows * columns);
  const std::vector<float> before = draw(rows * columns);
  ProductBlock b;
  b.row_stride = depth;
  b.depth = depth;
  b.weights = b.ahead = weights.data();
  b.vectors = vectors;
  if (below(2) == 0) b.bias = bias.data();
  b.low = -3.0F;
  b.high = 1e30F;
  b.columns = b.output_stride = columns;
  const bool adds = below(2) == 0;
  const auto run = [&](const LinearKernels& kernels) {
    std::vector<float> out = before;
    for (int64_t row = 0; row < rows; row += kernels.product_rows) {
      b.rows = std::min(kernels.product_rows, rows - row);
      b.input = input.data() + row * depth;
      b.output = out.data() + row * columns;
      if (adds) b.residual = residual.data() + row * columns;
      kernels.real_product(b);
    }
    return out;
  };
  return agree(run(kLinearScalar), run(kLinearNeon), bound_of(depth, 1));
}

bool check_filtering() {
  const int64_t channels = 1 + below(20), tiles = 1 + below(30), width = 1 + below(2 * tiles + 2);
  const int64_t in_vectors = (channels + kLanes - 1) / kLanes;
  const int64_t vectors = 1 + below(2), out_channels = vectors * kLanes - below(kLanes);
  const std::vector<float> image = draw(4 * width * channels);
  const std::vector<float> weights = draw(kWinogradPositions * channels * vectors * kLanes);
  const std::vector<float> bias = draw(vectors * kLanes);
  const int64_t out_width = 2 * tiles - below(2), out_rows = 1 + below(2);
  const std::vector<float> residual = draw(out_rows * out_width * out_channels);
  WinogradInput in;
  for (int64_t r = 0; r < kWinogradTile; ++r) in.rows[r] = image.data() + r * width * channels;
  in.width = width;
  in.first_column = -below(3);
  in.channels = channels;
  in.tiles = tiles;
  in.vector_stride = tiles * kLanes;
  in.position_stride = in_vectors * in.vector_stride;
  WinogradProducts products;
  products.input_stride = in.position_stride;
  products.vector_stride = in.vector_stride;
  products.channels = channels;
  products.tiles = tiles;
  products.weights = weights.data();
  products.vectors = vectors;
  products.output_stride = tiles * vectors * kLanes;
  WinogradOutput out;
  out.position_stride = products.output_stride;
  out.tile_stride = vectors * kLanes;
  out.tiles = tiles;
  out.bias = bias.data();
  out.low = -1.0F;
  out.high = 1e30F;
  if (below(2) == 0) out.residual = residual.data();
  out.rows = out_rows;
  out.width = out_width;
  out.row_stride = out_width * out_channels;
  out.pixel_stride = out.channels = out_channels;
  const auto run = [&](const LinearKernels& kernels) {
    std::vector<float> transformed(static_cast<size_t>(kWinogradPositions * in.position_stride));
    std::vector<float> sums(static_cast<size_t>(kWinogradPositions * products.output_stride));
    std::vector<float> result(residual.size(), -7.0F);
    in.output = transformed.data();
    kernels.winograd_input(in);
    products.input = transformed.data();
    products.output = sums.data();
    kernels.winograd_products(products);
    out.products = sums.data();
    out.output = result.data();
    kernels.winograd_output(out);
    return result;
  };
  // An output adds nine sums over the channels, of products of at most four inputs.
  return agree(run(kLinearScalar), run(kLinearNeon), bound_of(9 * channels + 8, 4));
}

}  // namespace

int main() {
  int wrong = 0;
  constexpr int kBlocks = 1000;
  for (int i = 0; i < kBlocks; ++i) {
    wrong += !check_product();
    wrong += !check_filtering();
  }
  std::printf("%d blocks of %d agree\n", 2 * kBlocks - wrong, 2 * kBlocks);
  return wrong == 0 ? 0 : 1;
}
