// SPDX-License-Identifier: Apache-2.0
// Loops over channels-last or flat buffers that lie between matrix products. Written plainly so
// that the compiler vectorises them, and compiled once per instruction set; every loop does the
// same operations in the same order on each, so results do not depend on the ISA.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

// A pooling window walked channels last, for one pixel or neighbouring ones: strides in elements.
struct PoolWindow {
  int64_t taps_y, taps_x;      // taps inside the image
  int64_t stride_y, stride_x;  // elements from tap to tap
  int64_t channels;
  int64_t pixels = 1;
  int64_t pixel_stride = 0;
};

struct FlatLoops {
  void (*add)(const float* a, const float* b, float* y, int64_t n, float low, float high);
  void (*subtract)(const float* a, const float* b, float* y, int64_t n, float low, float high);
  void (*multiply)(const float* a, const float* b, float* y, int64_t n, float low, float high);
  void (*divide)(const float* a, const float* b, float* y, int64_t n, float low, float high);
  void (*clamp)(const float* x, float* y, int64_t n, float low, float high);
  // y = saturate(rne(x / scale) + zero_point)
  void (*quantize)(const float* x, uint8_t* y, int64_t n, float scale, float zero_point);
  // y = scale * (x - zero_point)
  void (*dequantize)(const uint8_t* x, float* y, int64_t n, float scale, int32_t zero_point);
  // y[pixel][c] = max over the window
  void (*max_f32)(const float* x, float* y, PoolWindow window);
  void (*max_u8)(const uint8_t* x, uint8_t* y, PoolWindow window);
  // sums[c] += over the window of one pixel; the caller clears sums
  void (*sum_f32)(const float* x, double* sums, PoolWindow window);
  void (*sum_u8)(const uint8_t* x, int32_t* sums, PoolWindow window);
  // y = saturate(rne(clamp((a - z_a) * m_a + (b - z_b) * m_b)) + z)
  void (*add_u8)(const uint8_t* a, const uint8_t* b, uint8_t* y, int64_t n, const float* numbers);
  // y[r][c] = x[r][c] * scale[c] + shift[c]
  void (*scale_shift)(const float* x, float* y, int64_t rows, int64_t columns, const float* scale,
                      const float* shift);
  // y[column][row] = x[row][column]
  void (*transpose_1)(const uint8_t* x, uint8_t* y, int64_t rows, int64_t columns);
  void (*transpose_4)(const uint32_t* x, uint32_t* y, int64_t rows, int64_t columns);
};

extern const FlatLoops kFlatScalar;
extern const FlatLoops kFlatAvx2;
extern const FlatLoops kFlatAvx512;

}  // namespace pare::runtime::own
