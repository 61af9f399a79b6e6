// SPDX-License-Identifier: Apache-2.0
// The loops of DepthwiseBlock over the Vec that the including file chose: lanes are channels.
#pragma once

#include "lib/runtime/kernels/own/dense/arithmetic_body.hpp"

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
void depthwise_rows(const DepthwiseBlock& b, const Gather& gather) {
  const Arithmetic arithmetic(b);
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
    const auto bias = Arithmetic::start(b, c);
    const int64_t lanes = lanes_at(b.channels, c);
    const char* weights = static_cast<const char*>(b.weights) + c * 4;
    int64_t to = c;
    for (int64_t row = 0; row < b.rows; ++row) {
      for (int64_t pixel = 0; pixel < b.pixels; ++pixel, to += b.channels) {
        const int64_t from = row * b.row_stride + pixel * b.pixel_stride + c;
        typename Arithmetic::Sum sum[1] = {bias};
        for (int64_t s = 0; s < b.steps; ++s) {
          const auto w = Arithmetic::weights(weights + s * padded * 4);
          sum[0] = Arithmetic::multiply_add(sum[0], gather(from + b.step_offsets[s]), w);
        }
        arithmetic.template store<1>(b, sum, c, to, 0, lanes);
      }
    }
  }
}

template <int Taps>
void integer_depthwise_of(const DepthwiseBlock& b) {
  const auto* input = static_cast<const uint8_t*>(b.input);
  depthwise_rows<Integer>(b,
                          [&](int64_t at) { return gather_unit<Taps>(input + at, b.tap_stride); });
}

// Filters of 3 x 3 at stride 1: from pixel to pixel each row's unit drops a code and takes one in,
// so that a code is read once.
struct Rolling3x3 {
  Vec::I weights[3];
  Vec::I unit[3];
  const uint8_t* row[3];  // the code that comes in next

  [[gnu::always_inline]] void begin_row(const uint8_t* first, const DepthwiseBlock& b) {
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) {
      const uint8_t* at = first + b.step_offsets[r];
      unit[r] =
          Vec::roll(Vec::roll(Vec::zero(), Vec::widen_u8(at)), Vec::widen_u8(at + b.tap_stride));
      row[r] = at + 2 * b.tap_stride;
    }
  }
  template <int P>
  [[gnu::always_inline]] void next(const Vec::I& bias, int64_t tap_stride, Vec::I (&sums)[P]) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      sums[p] = bias;
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        unit[r] = Vec::roll(unit[r], Vec::widen_u8(row[r]));
        row[r] += tap_stride;
        sums[p] = Vec::dot(sums[p], unit[r], weights[r]);
      }
    }
  }
};

void integer_depthwise_3x3(const DepthwiseBlock& b) {
  constexpr int kPixels = 4;  // at a time: their requantization overlaps
  const Integer arithmetic(b);
  const auto* input = static_cast<const uint8_t*>(b.input);
  const int64_t tap_stride = b.tap_stride, channels = b.channels;  // no store changes them
  const int64_t padded = (channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  for (int64_t c = 0; c < channels; c += Vec::kLanes) {
    const Vec::I bias = Integer::start(b, c);
    const int64_t lanes = lanes_at(channels, c);
    Rolling3x3 window;
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) {
      window.weights[r] =
          Integer::weights(static_cast<const char*>(b.weights) + (c + r * padded) * 4);
    }
    int64_t to = c;
    for (int64_t y = 0; y < b.rows; ++y) {
      window.begin_row(input + y * b.row_stride + c, b);
      int64_t left = b.pixels;
      for (; left >= kPixels; left -= kPixels, to += kPixels * channels) {
        Vec::I sums[kPixels];
        window.next(bias, tap_stride, sums);
        arithmetic.store(b, sums, c, to, channels, lanes);
      }
      for (; left > 0; --left, to += channels) {
        Vec::I sums[1];
        window.next(bias, tap_stride, sums);
        arithmetic.store(b, sums, c, to, channels, lanes);
      }
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

}  // namespace
