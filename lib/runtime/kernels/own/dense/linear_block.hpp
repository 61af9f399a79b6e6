// SPDX-License-Identifier: Apache-2.0
// The inner loops of convolutions and matrix products, one set an instruction set. A block is one
// row of output pixels times some vectors of output channels. Included by code compiled for a
// particular ISA: plain data and pointers only, no inline functions that another ISA's copy of
// could be linked in place of.
//
// Activations come in units of 32 bits that one step multiplies: an f32, two codes widened to i16,
// or with VNNI four u8 codes (no form saturates). A step reads one unit a pixel and meets one
// vector of weight units. Packed weights: [vector][step][lane], a unit each: f32, two i16 or four
// i8.
#pragma once

#include <cstdint>

#include "lib/runtime/kernels/own/dense/product_block.hpp"
#include "lib/runtime/kernels/own/dense/winograd_block.hpp"

namespace pare::runtime::own {

// What becomes of sums: y = clamp(f32(acc) * multiplier + residual_multiplier * (r -
// residual_zero)); for codes that is rounded before zero is added; f32 sums: y = clamp(acc + r).
// The clamp includes the codes' own bounds: they are integers, so it may come before the rounding.
struct BlockOutput {
  const float* multiplier = nullptr;  // integers only, padded to whole vectors like the bias
  const void* bias = nullptr;         // i32 or f32
  float residual_multiplier = 0.0F, residual_zero = 0.0F;
  float zero = 0.0F, low = 0.0F, high = 0.0F;
  const void* residual = nullptr;  // u8 codes or f32; may be null; strides as for the output
  void* output = nullptr;
  bool to_float = false;  // integers only: f32 instead of u8 codes
};

struct LinearBlock : BlockOutput {
  const void* input = nullptr;  // the first pixel
  int64_t pixels = 0;
  int64_t pixel_bytes = 0;  // from one pixel to the next
  // 3: three steps at a time take neighbouring units of a plane and share an offset; pixel_bytes is
  // then 4 or 8. Otherwise 1.
  int64_t window = 1;
  const int64_t* step_offsets = nullptr;  // bytes from the pixel to its unit, one a window
  int64_t steps = 0;
  const void* weights = nullptr;
  int64_t vectors = 0;        // of output channels
  int64_t channels = 0;       // real ones, at most vectors * lanes
  int64_t output_stride = 0;  // elements from one pixel to the next
};

// Rows of a depthwise convolution, channels last, u8 codes or f32. A step takes `taps` neighbouring
// taps of a channel: one in f32.
struct DepthwiseBlock : BlockOutput {
  const void* input = nullptr;
  int64_t rows = 0, row_stride = 0;       // of the output; elements of the input between them
  int64_t pixels = 0, pixel_stride = 0;   // of a row; elements
  const int64_t* step_offsets = nullptr;  // elements from the pixel to the step's first tap
  int64_t steps = 0;
  int64_t taps = 1, tap_stride = 0;  // elements
  int64_t row_taps = 1;              // of a row of the filter
  const void* weights = nullptr;     // [step][channels padded to lanes], a unit each
  int64_t channels = 0;
};

struct LinearKernels {
  int64_t lanes;
  int64_t codes_per_unit;
  int64_t product_rows;  // of a tile
  void (*integer)(const LinearBlock& block);
  void (*real)(const LinearBlock& block);
  void (*integer_depthwise)(const DepthwiseBlock& block);
  void (*real_depthwise)(const DepthwiseBlock& block);
  void (*real_product)(const ProductBlock& block);
  void (*winograd_input)(const WinogradInput& in);
  void (*winograd_products)(const WinogradProducts& products);
  void (*winograd_output)(const WinogradOutput& out);
};

extern const LinearKernels kLinearScalar;
extern const LinearKernels kLinearAvx2;
extern const LinearKernels kLinearAvx512;
extern const LinearKernels kLinearAvx512Vnni;
extern const LinearKernels kLinearNeon;

}  // namespace pare::runtime::own
