// SPDX-License-Identifier: Apache-2.0
// Bodies of flat_loops.hpp, in an unnamed namespace: each ISA's file has its own copy.
#pragma once

#include "lib/runtime/kernels/own/between/flat_loops.hpp"

namespace {

using pare::runtime::own::PoolWindow;

inline float clamped(float v, float low, float high) {
  v = v < low ? low : v;
  return v > high ? high : v;
}
// Round to nearest even: the sum's ulp is 1 for |x| < 2^22, and the callers clamp to 8 bits first.
inline float rounded(float x) { return (x + 12582912.0F) - 12582912.0F; }
// `v` rounds to an integer within [-zero, 255 - zero].
inline uint8_t code_of(float v, float zero) {
  return static_cast<uint8_t>(static_cast<int32_t>(rounded(v) + zero));
}

void add(const float* a, const float* b, float* y, int64_t n, float low, float high) {
  for (int64_t i = 0; i < n; ++i) y[i] = clamped(a[i] + b[i], low, high);
}
void subtract(const float* a, const float* b, float* y, int64_t n, float low, float high) {
  for (int64_t i = 0; i < n; ++i) y[i] = clamped(a[i] - b[i], low, high);
}
void multiply(const float* a, const float* b, float* y, int64_t n, float low, float high) {
  for (int64_t i = 0; i < n; ++i) y[i] = clamped(a[i] * b[i], low, high);
}
void divide(const float* a, const float* b, float* y, int64_t n, float low, float high) {
  for (int64_t i = 0; i < n; ++i) y[i] = clamped(a[i] / b[i], low, high);
}
void clamp(const float* x, float* y, int64_t n, float low, float high) {
  for (int64_t i = 0; i < n; ++i) y[i] = clamped(x[i], low, high);
}

void quantize(const float* x, uint8_t* y, int64_t n, float scale, float zero_point) {
  const float bottom = -zero_point, top = 255.0F - zero_point;
  for (int64_t i = 0; i < n; ++i) {
    // NaN becomes the lowest code.
    float v = x[i] / scale;
    v = v > bottom ? v : bottom;
    v = v < top ? v : top;
    y[i] = code_of(v, zero_point);
  }
}
void dequantize(const uint8_t* x, float* y, int64_t n, float scale, int32_t zero_point) {
  for (int64_t i = 0; i < n; ++i) y[i] = scale * static_cast<float>(x[i] - zero_point);
}

template <class T>
void maximum(const T* __restrict x, T* __restrict y, PoolWindow w) {
  for (int64_t pixel = 0; pixel < w.pixels; ++pixel, x += w.pixel_stride, y += w.channels) {
    for (int64_t c = 0; c < w.channels; ++c) y[c] = x[c];
    for (int64_t ty = 0; ty < w.taps_y; ++ty) {
      for (int64_t tx = 0; tx < w.taps_x; ++tx) {
        const T* at = x + ty * w.stride_y + tx * w.stride_x;
        // A NaN stays, whichever side it is on.
        for (int64_t c = 0; c < w.channels; ++c) {
          y[c] = y[c] >= at[c] || y[c] != y[c] ? y[c] : at[c];
        }
      }
    }
  }
}
template <class T, class Sum>
void total(const T* x, Sum* sums, PoolWindow w) {
  for (int64_t ty = 0; ty < w.taps_y; ++ty) {
    for (int64_t tx = 0; tx < w.taps_x; ++tx) {
      const T* at = x + ty * w.stride_y + tx * w.stride_x;
      for (int64_t c = 0; c < w.channels; ++c) sums[c] += static_cast<Sum>(at[c]);
    }
  }
}
void max_f32(const float* x, float* y, PoolWindow w) { maximum(x, y, w); }
void max_u8(const uint8_t* x, uint8_t* y, PoolWindow w) { maximum(x, y, w); }
void sum_f32(const float* x, double* sums, PoolWindow w) { total(x, sums, w); }
void sum_u8(const uint8_t* x, int32_t* sums, PoolWindow w) { total(x, sums, w); }

// numbers: a_zero, a_multiplier, b_zero, b_multiplier, low, high, zero
void add_u8(const uint8_t* a, const uint8_t* b, uint8_t* y, int64_t n, const float* numbers) {
  const float za = numbers[0], ma = numbers[1], zb = numbers[2], mb = numbers[3];
  const float zero = numbers[6];
  const float low = clamped(numbers[4], -zero, 255.0F - zero);
  const float high = clamped(numbers[5], -zero, 255.0F - zero);
  for (int64_t i = 0; i < n; ++i) {
    const float p = (static_cast<float>(a[i]) - za) * ma;
    const float q = (static_cast<float>(b[i]) - zb) * mb;
    y[i] = code_of(clamped(p + q, low, high), zero);
  }
}

void scale_shift(const float* x, float* y, int64_t rows, int64_t columns, const float* scale,
                 const float* shift) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    for (int64_t c = 0; c < columns; ++c) y[c] = x[c] * scale[c] + shift[c];
  }
}

// Blocks of 16 x 16, so that both sides stay within a few cache lines.
template <class T>
void transpose(const T* x, T* y, int64_t rows, int64_t columns) {
  constexpr int64_t kBlock = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = r0 + kBlock < rows ? r0 + kBlock : rows;
    for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      const int64_t c1 = c0 + kBlock < columns ? c0 + kBlock : columns;
      for (int64_t c = c0; c < c1; ++c) {
        for (int64_t r = r0; r < r1; ++r) y[c * rows + r] = x[r * columns + c];
      }
    }
  }
}
void transpose_1(const uint8_t* x, uint8_t* y, int64_t rows, int64_t columns) {
  transpose(x, y, rows, columns);
}
void transpose_4(const uint32_t* x, uint32_t* y, int64_t rows, int64_t columns) {
  transpose(x, y, rows, columns);
}

constexpr pare::runtime::own::FlatLoops kLoops = {
    add,    subtract, multiply, divide, clamp,       quantize,    dequantize, max_f32,
    max_u8, sum_f32,  sum_u8,   add_u8, scale_shift, transpose_1, transpose_4};

}  // namespace
