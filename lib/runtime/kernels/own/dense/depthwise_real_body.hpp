// SPDX-License-Identifier: Apache-2.0
// f32 rows of a depthwise convolution, over the Vec that the including file chose: filters three
// taps wide share the inputs of neighbouring pixels, those of size 3 of neighbouring rows as well.
// In an unnamed namespace, so each ISA has its own copy.
#pragma once

#include <type_traits>

#include "lib/runtime/kernels/own/dense/depthwise_body.hpp"

namespace {

// P pixels of filters three taps wide, Apart taps from one to the next: each input is loaded once.
template <int P, int Apart>
void real_depthwise_tile(const DepthwiseBlock& b, const Real& arithmetic, int64_t row,
                         int64_t pixel, int64_t c) {
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  const float* input =
      static_cast<const float*>(b.input) + row * b.row_stride + pixel * b.pixel_stride + c;
  const char* weights = static_cast<const char*>(b.weights) + c * 4;
  Vec::F sums[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) sums[p] = Real::start(b, c);
  for (int64_t s = 0; s < b.steps; s += 3) {
    const float* at = input + b.step_offsets[s];
    Vec::F w[3];
#pragma GCC unroll 3
    for (int k = 0; k < 3; ++k) w[k] = Real::weights(weights + (s + k) * padded * 4);
#pragma GCC unroll 20
    for (int u = 0; u < (P - 1) * Apart + 3; ++u) {
      const Vec::F x = Vec::load_f32(at + u * b.tap_stride);
#pragma GCC unroll 3
      for (int k = 0; k < 3; ++k) {
        const int p = (u - k) / Apart;
        if (u < k || (u - k) % Apart != 0 || p >= P) continue;
        sums[p] = Real::multiply_add(sums[p], x, w[k]);
      }
    }
  }
  const int64_t lanes = lanes_at(b.channels, c);
  const int64_t to = (row * b.pixels + pixel) * b.channels + c;
  arithmetic.store(b, sums, c, to, b.channels, lanes);
}

// All channels before the next pixels: the first cache is read in order.
template <int P, int Apart>
void real_depthwise_pixels(const DepthwiseBlock& b, const Real& arithmetic, int64_t row,
                           int64_t pixel) {
  for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
    real_depthwise_tile<P, Apart>(b, arithmetic, row, pixel, c);
  }
}

template <int Apart>
void real_depthwise_of(const DepthwiseBlock& b) {
  const Real arithmetic(b);
  for (int64_t row = 0; row < b.rows; ++row) {
    int64_t pixel = 0;
    for (; pixel + 5 <= b.pixels; pixel += 5)
      real_depthwise_pixels<5, Apart>(b, arithmetic, row, pixel);
    for (; pixel + 2 <= b.pixels; pixel += 2)
      real_depthwise_pixels<2, Apart>(b, arithmetic, row, pixel);
    if (pixel < b.pixels) real_depthwise_pixels<1, Apart>(b, arithmetic, row, pixel);
  }
}

// R rows of P pixels of filters of size 3 at stride 1: inputs that neighbours share, rows as well
// as pixels, are loaded once.
template <int R, int P>
void real_depthwise_3x3_tile(const DepthwiseBlock& b, const Real& arithmetic, int64_t row,
                             int64_t pixel, int64_t c) {
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  const char* weights = static_cast<const char*>(b.weights) + c * 4;
  Vec::F w[9];
#pragma GCC unroll 9
  for (int i = 0; i < 9; ++i) w[i] = Real::weights(weights + i * padded * 4);
  Vec::F sums[R][P];
#pragma GCC unroll 2
  for (int q = 0; q < R; ++q) {
#pragma GCC unroll 5
    for (int p = 0; p < P; ++p) sums[q][p] = Real::start(b, c);
  }
  const float* line =
      static_cast<const float*>(b.input) + row * b.row_stride + pixel * b.pixel_stride + c;
#pragma GCC unroll 4
  for (int r = 0; r < R + 2; ++r) {
    const float* at = line;
    line += b.row_stride;
#pragma GCC unroll 7
    for (int u = 0; u < P + 2; ++u) {
      const Vec::F x = Vec::load_f32(at);
      at += b.tap_stride;
#pragma GCC unroll 6
      for (int i = 0; i < R * 3; ++i) {
        const int q = i / 3, tap = i % 3;
        if (r < q || r - q > 2 || u < tap || u - tap >= P) continue;
        sums[q][u - tap] = Real::multiply_add(sums[q][u - tap], x, w[(r - q) * 3 + tap]);
      }
    }
  }
  const int64_t lanes = lanes_at(b.channels, c);
#pragma GCC unroll 2
  for (int q = 0; q < R; ++q) {
    const int64_t to = ((row + q) * b.pixels + pixel) * b.channels + c;
    arithmetic.store(b, sums[q], c, to, b.channels, lanes);
  }
}

template <int R>
void real_depthwise_3x3_rows(const DepthwiseBlock& b, const Real& arithmetic, int64_t row) {
  const auto channels = [&](auto pixels, int64_t pixel) {
    for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
      real_depthwise_3x3_tile<R, pixels()>(b, arithmetic, row, pixel, c);
    }
  };
  int64_t pixel = 0;
  for (; pixel + 5 <= b.pixels; pixel += 5) channels(std::integral_constant<int, 5>(), pixel);
  for (; pixel + 2 <= b.pixels; pixel += 2) channels(std::integral_constant<int, 2>(), pixel);
  if (pixel < b.pixels) channels(std::integral_constant<int, 1>(), pixel);
}

void real_depthwise_3x3(const DepthwiseBlock& b) {
  const Real arithmetic(b);
  constexpr int kRows =
      Vec::kPixels[1] >= 14 ? 2 : 1;  // where registers hold ten sums, filters too
  int64_t row = 0;
  for (; row + kRows <= b.rows; row += kRows) {
    real_depthwise_3x3_rows<kRows>(b, arithmetic, row);
  }
  for (; row < b.rows; ++row) real_depthwise_3x3_rows<1>(b, arithmetic, row);
}

void real_depthwise(const DepthwiseBlock& b) {
  const bool near = b.row_taps == 3 && b.pixel_stride == b.tap_stride;
  if (near && b.steps == 9 && b.step_offsets[3] == b.row_stride) return real_depthwise_3x3(b);
  if (near) return real_depthwise_of<1>(b);
  if (b.row_taps == 3 && b.pixel_stride == 2 * b.tap_stride) return real_depthwise_of<2>(b);
  const auto* input = static_cast<const float*>(b.input);
  depthwise_rows<Real>(b, [&](int64_t at) { return Vec::load_f32(input + at); });
}

}  // namespace
