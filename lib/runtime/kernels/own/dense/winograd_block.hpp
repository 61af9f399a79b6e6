// SPDX-License-Identifier: Apache-2.0
// The three parts of a convolution by minimal filtering, F(2x2, 3x3) of Lavin and Gray 2016 (Fast
// algorithms for convolutional neural networks, section 4.1): a tile of 4 x 4 input pixels becomes
// 16 transformed pixels, products of these with transformed weights, summed over channels, become
// 2 x 2 output pixels. Included by code
// compiled for a particular ISA: plain data only.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

constexpr int64_t kWinogradTile = 4;    // input pixels a side
constexpr int64_t kWinogradOutput = 2;  // output pixels a side
constexpr int64_t kWinogradPositions = 16;

// One row of tiles, channels last, f32.
struct WinogradInput {
  const float* rows[kWinogradTile] = {};  // pixel 0 of the input's rows; outside the image: zeros
  int64_t width = 0;                      // pixels of a row; those left and right of it are 0
  int64_t first_column = 0;               // of tile 0, negative in the border
  int64_t channels = 0;
  int64_t tiles = 0;
  float* output = nullptr;                         // [position][vector of channels][tile][lane]
  int64_t position_stride = 0, vector_stride = 0;  // elements
};

// For one or two vectors of output channels: the sums over input channels, position by position.
struct WinogradProducts {
  const float* input = nullptr;                 // [position][vector of channels][tile][lane]
  int64_t input_stride = 0, vector_stride = 0;  // elements from a position, a vector to the next
  int64_t channels = 0, tiles = 0;
  const float* weights = nullptr;  // [position][input channel][vector][lane]
  int64_t vectors = 0;             // of output channels
  float* output = nullptr;         // [position][tile][vector][lane]
  int64_t output_stride = 0;       // elements from a position to the next
};

// One row of tiles, some vectors of output channels. y = clamp(tile + bias + residual).
struct WinogradOutput {
  const float* products = nullptr;               // [position][tile][channels padded to lanes]
  int64_t position_stride = 0, tile_stride = 0;  // elements
  int64_t tiles = 0;
  const float* bias = nullptr;  // padded to lanes
  float low = 0.0F, high = 0.0F;
  const float* residual = nullptr;  // may be null; strides as for the output
  float* output = nullptr;
  int64_t rows = 0, width = 0;  // output pixels there are: 1 or 2 rows
  int64_t row_stride = 0, pixel_stride = 0;
  int64_t channels = 0;
};

}  // namespace pare::runtime::own
