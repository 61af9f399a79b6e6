// SPDX-License-Identifier: Apache-2.0
// The inner loops of integer convolutions and matrix products, one set an instruction set. A block
// is one row of output pixels times some vectors of output channels. Included by code compiled for
// a particular ISA: plain data and pointers only, no inline functions that another ISA's copy of
// could be linked in place of.
//
// Codes: u8 with VNNI (4 a 32-bit step), else widened to i16 (2 a step), so that no product
// saturates. A pixel reads `run_count` runs of `run_steps` 32-bit steps each; bytes of a run beyond
// its length meet zero weights. Packed weights: [vector][run][step][lane][codes of a step], i8 or
// i16.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

struct IntegerBlock {
  const void* input = nullptr;  // codes of the first pixel
  int64_t pixels = 0;
  int64_t pixel_stride = 0;              // codes from one pixel to the next
  const int64_t* run_offsets = nullptr;  // codes from the pixel to the run
  int64_t run_count = 0;
  int64_t run_steps = 0;
  const void* weights = nullptr;
  int64_t vectors = 0;            // of output channels
  int64_t channels = 0;           // real ones, at most vectors * lanes
  const int32_t* bias = nullptr;  // padded to vectors * lanes, like multiplier
  const float* multiplier = nullptr;
  float residual_multiplier = 0.0F, residual_zero = 0.0F;
  float low = 0.0F, high = 0.0F, zero = 0.0F;
  const uint8_t* residual = nullptr;  // may be null; strides as for the output
  void* output = nullptr;             // u8 codes, or f32 when to_float
  int64_t output_stride = 0;          // elements from one pixel to the next
  bool to_float = false;
};

// One row of a depthwise convolution, channels last, codes widened to i16.
struct DepthwiseBlock {
  const int16_t* input = nullptr;
  int64_t pixels = 0, pixel_stride = 0;
  const int64_t* tap_offsets = nullptr;
  int64_t taps = 0;
  const int16_t* weights = nullptr;  // [tap][channels padded to lanes]
  int64_t channels = 0;
  const int32_t* bias = nullptr;
  const float* multiplier = nullptr;
  float residual_multiplier = 0.0F, residual_zero = 0.0F;
  float low = 0.0F, high = 0.0F, zero = 0.0F;
  const uint8_t* residual = nullptr;
  void* output = nullptr;
  bool to_float = false;
};

struct IntegerKernels {
  int64_t lanes;
  int64_t codes_per_step;  // 4: u8 codes and i8 weights; 2: both i16
  void (*block)(const IntegerBlock& block);
  void (*depthwise)(const DepthwiseBlock& block);
};

extern const IntegerKernels kIntegerScalar;
extern const IntegerKernels kIntegerAvx2;
extern const IntegerKernels kIntegerAvx512;
extern const IntegerKernels kIntegerAvx512Vnni;

}  // namespace pare::runtime::own
