// SPDX-License-Identifier: Apache-2.0
// The loops of DepthwiseBlock over the Vec that the including file chose: lanes are channels.
#pragma once

#include "lib/runtime/kernels/own/arithmetic_body.hpp"

namespace {

using pare::runtime::own::DepthwiseBlock;

// The codes of Taps neighbouring taps of each channel, as one unit a lane.
template <int Taps>
Vec::I gather_unit(const uint8_t* p, int64_t tap_stride) {
  constexpr int kBits = 32 / Vec::kCodesPerUnit;
  Vec::I unit = Vec::widen_u8(p);
  if constexpr (Taps > 1) unit = Vec::or_shifted<kBits>(unit, Vec::widen_u8(p + tap_stride));
  if constexpr (Taps > 2) {
    unit = Vec::or_shifted<2 * kBits>(unit, Vec::widen_u8(p + 2 * tap_stride));
  }
  if constexpr (Taps > 3) {
    unit = Vec::or_shifted<3 * kBits>(unit, Vec::widen_u8(p + 3 * tap_stride));
  }
  return unit;
}

// gather(input element offset) makes a step's unit.
template <class Arithmetic, class Gather>
void depthwise_row(const DepthwiseBlock& b, const Gather& gather) {
  const Arithmetic arithmetic(b);
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
    const auto bias = Arithmetic::start(b, c);
    const int64_t lanes = lanes_at(b.channels, c);
    const char* weights = static_cast<const char*>(b.weights) + c * 4;
    for (int64_t pixel = 0; pixel < b.pixels; ++pixel) {
      const int64_t from = pixel * b.pixel_stride + c;
      auto sum = bias;
      for (int64_t s = 0; s < b.steps; ++s) {
        const auto w = Arithmetic::weights(weights + s * padded * 4);
        sum = Arithmetic::multiply_add(sum, gather(from + b.step_offsets[s]), w);
      }
      arithmetic.store(b, sum, c, pixel * b.channels + c, lanes);
    }
  }
}

template <int Taps>
void integer_depthwise_of(const DepthwiseBlock& b) {
  const auto* input = static_cast<const uint8_t*>(b.input);
  depthwise_row<Integer>(b,
                         [&](int64_t at) { return gather_unit<Taps>(input + at, b.tap_stride); });
}

// Filters of 3 x 3 at stride 1: from pixel to pixel each row's unit drops a code and takes one in,
// so that a code is read once.
void integer_depthwise_3x3(const DepthwiseBlock& b) {
  const Integer arithmetic(b);
  const auto* input = static_cast<const uint8_t*>(b.input);
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
    const auto bias = Integer::start(b, c);
    const int64_t lanes = lanes_at(b.channels, c);
    const char* weights = static_cast<const char*>(b.weights) + c * 4;
    const uint8_t* row[3];
    Vec::I w[3];
    Vec::I unit[3];
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) {
      row[r] = input + b.step_offsets[r] + c;
      w[r] = Integer::weights(weights + r * padded * 4);
      const Vec::I first = Vec::roll(Vec::zero(), Vec::widen_u8(row[r]));
      unit[r] = Vec::roll(first, Vec::widen_u8(row[r] + b.tap_stride));
      row[r] += 2 * b.tap_stride;
    }
    for (int64_t pixel = 0; pixel < b.pixels; ++pixel) {
      auto sum = bias;
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        unit[r] = Vec::roll(unit[r], Vec::widen_u8(row[r] + pixel * b.tap_stride));
        sum = Vec::dot(sum, unit[r], w[r]);
      }
      arithmetic.store(b, sum, c, pixel * b.channels + c, lanes);
    }
  }
}

void integer_depthwise(const DepthwiseBlock& b) {
  if (b.taps == 1) return integer_depthwise_of<1>(b);
  if (b.taps == 2) return integer_depthwise_of<2>(b);
  if constexpr (Vec::kCodesPerUnit == 4) {
    if (b.taps == 3 && b.steps == 3 && b.pixel_stride == b.tap_stride) {
      return integer_depthwise_3x3(b);
    }
    if (b.taps == 3) return integer_depthwise_of<3>(b);
    return integer_depthwise_of<4>(b);
  }
}

// P pixels of filters three taps wide, Apart taps from one to the next: each input is loaded once.
template <int P, int Apart>
void real_depthwise_tile(const DepthwiseBlock& b, const Real& arithmetic, int64_t pixel,
                         int64_t c) {
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  const float* input = static_cast<const float*>(b.input) + pixel * b.pixel_stride + c;
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
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) arithmetic.store(b, sums[p], c, (pixel + p) * b.channels + c, lanes);
}

template <int Apart>
void real_depthwise_of(const DepthwiseBlock& b) {
  const Real arithmetic(b);
  for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
    int64_t pixel = 0;
    for (; pixel + 5 <= b.pixels; pixel += 5)
      real_depthwise_tile<5, Apart>(b, arithmetic, pixel, c);
    for (; pixel + 2 <= b.pixels; pixel += 2)
      real_depthwise_tile<2, Apart>(b, arithmetic, pixel, c);
    if (pixel < b.pixels) real_depthwise_tile<1, Apart>(b, arithmetic, pixel, c);
  }
}

void real_depthwise(const DepthwiseBlock& b) {
  if (b.row_taps == 3 && b.pixel_stride == b.tap_stride) return real_depthwise_of<1>(b);
  if (b.row_taps == 3 && b.pixel_stride == 2 * b.tap_stride) return real_depthwise_of<2>(b);
  const auto* input = static_cast<const float*>(b.input);
  depthwise_row<Real>(b, [&](int64_t at) { return Vec::load_f32(input + at); });
}

}  // namespace
