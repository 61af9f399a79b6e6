// SPDX-License-Identifier: Apache-2.0
// The loops of linear_block.hpp over the Vec that the including file chose. Everything is in an
// unnamed namespace, so each ISA has its own copy. Sums of one output are added in the order of the
// steps, however pixels and channels are cut into tiles.
#pragma once

#include "lib/runtime/kernels/own/linear_block.hpp"

namespace {

using pare::runtime::own::BlockOutput;
using pare::runtime::own::DepthwiseBlock;
using pare::runtime::own::LinearBlock;

// Codes: sums in i32, requantized as docs/integer-arithmetic.md says, every step rounded.
struct Integer {
  using Sum = Vec::I;
  using Unit = Vec::I;
  Vec::F zero, low, high, residual_multiplier, residual_zero;

  explicit Integer(const BlockOutput& b)
      : zero(Vec::set(b.zero)),
        low(Vec::set(b.low)),
        high(Vec::set(b.high)),
        residual_multiplier(Vec::set(b.residual_multiplier)),
        residual_zero(Vec::set(b.residual_zero)) {}

  static Sum start(const BlockOutput& b, int64_t channel) {
    return Vec::load_i32(static_cast<const int32_t*>(b.bias) + channel);
  }
  static Unit broadcast(const char* p) { return Vec::broadcast_i32(p); }
  static Unit weights(const char* p) { return Vec::load_i32(p); }
  static Sum multiply_add(Sum sum, Unit codes, Unit w) { return Vec::dot(sum, codes, w); }

  // `at`: the first lane's element of output and residual.
  [[gnu::always_inline]] void store(const BlockOutput& b, Sum sum, int64_t channel, int64_t at,
                                    int64_t lanes) const {
    Vec::F v = Vec::mul(Vec::to_f32(sum), Vec::load_f32(b.multiplier + channel));
    if (b.residual != nullptr) {
      const auto* residual = static_cast<const uint8_t*>(b.residual) + at;
      const Vec::F r = Vec::sub(Vec::load_u8(residual, lanes), residual_zero);
      v = Vec::add(v, Vec::mul(residual_multiplier, r));
    }
    v = Vec::min(high, Vec::max(low, Vec::add(v, zero)));
    if (b.to_float) {
      Vec::store_f32(static_cast<float*>(b.output) + at, v, lanes);
    } else {
      Vec::store_u8(static_cast<uint8_t*>(b.output) + at, v, lanes);
    }
  }
};

struct Real {
  using Sum = Vec::F;
  using Unit = Vec::F;
  Vec::F low, high;

  explicit Real(const BlockOutput& b) : low(Vec::set(b.low)), high(Vec::set(b.high)) {}

  static Sum start(const BlockOutput& b, int64_t channel) {
    return Vec::load_f32(static_cast<const float*>(b.bias) + channel);
  }
  static Unit broadcast(const char* p) { return Vec::broadcast_f32(p); }
  static Unit weights(const char* p) { return Vec::load_f32(p); }
  static Sum multiply_add(Sum sum, Unit x, Unit w) { return Vec::multiply_add(x, w, sum); }

  [[gnu::always_inline]] void store(const BlockOutput& b, Sum sum, int64_t, int64_t at,
                                    int64_t lanes) const {
    if (b.residual != nullptr) {
      sum = Vec::add(sum, Vec::load_f32(static_cast<const float*>(b.residual) + at, lanes));
    }
    Vec::store_f32(static_cast<float*>(b.output) + at, Vec::min(high, Vec::max(low, sum)), lanes);
  }
};

int64_t lanes_at(int64_t channels, int64_t first) {
  return channels - first < Vec::kLanes ? channels - first : Vec::kLanes;
}

// P pixels times V vectors of channels, all sums in registers (every loop over them is unrolled, or
// the compiler keeps the arrays in memory). Bytes: from one pixel to the next, 0 when it is not
// known here; known, it spares the address arithmetic. Window: neighbouring units that each pixel
// takes in as many steps; each is loaded once for all pixels that take it, because loads bind the
// loop.
template <class Arithmetic, int Bytes, int Window, int P, int V>
void tile(const LinearBlock& b, const Arithmetic& arithmetic, int64_t pixel, int64_t vector) {
  constexpr int64_t kStepBytes = Vec::kLanes * 4;
  const int64_t stride = Bytes != 0 ? Bytes : b.pixel_bytes;
  const int64_t vector_bytes = b.steps * kStepBytes;
  const char* weights = static_cast<const char*>(b.weights) + vector * vector_bytes;
  const char* input = static_cast<const char*>(b.input) + pixel * stride;
  typename Arithmetic::Sum sums[P][V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const auto bias = Arithmetic::start(b, (vector + v) * Vec::kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sums[p][v] = bias;
  }
  for (int64_t s = 0; s < b.steps; s += Window) {
    const char* at = input + b.step_offsets[s / Window];
    typename Arithmetic::Unit w[Window][V];
#pragma GCC unroll 4
    for (int k = 0; k < Window; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) w[k][v] = Arithmetic::weights(weights + v * vector_bytes);
      weights += kStepBytes;
    }
    constexpr int kApart = Window == 1 ? 1 : Bytes / 4;  // units from one pixel to the next
    const int64_t unit_bytes = Window == 1 ? stride : 4;
#pragma GCC unroll 40
    for (int u = 0; u < (P - 1) * kApart + Window; ++u) {
      const auto unit = Arithmetic::broadcast(at + u * unit_bytes);
#pragma GCC unroll 4
      for (int k = 0; k < Window; ++k) {
        const int p = (u - k) / kApart;
        if (u < k || (u - k) % kApart != 0 || p >= P) continue;
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          sums[p][v] = Arithmetic::multiply_add(sums[p][v], unit, w[k][v]);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int64_t channel = (vector + v) * Vec::kLanes;
    const int64_t lanes = lanes_at(b.channels, channel);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const int64_t at = (pixel + p) * b.output_stride + channel;
      arithmetic.store(b, sums[p][v], channel, at, lanes);
    }
  }
}

template <class Arithmetic, int Bytes, int Window, int P, int V>
void tile_of(int64_t pixels, const LinearBlock& b, const Arithmetic& arithmetic, int64_t pixel,
             int64_t vector) {
  if (pixels == P) return tile<Arithmetic, Bytes, Window, P, V>(b, arithmetic, pixel, vector);
  if constexpr (P > 1) {
    tile_of<Arithmetic, Bytes, Window, P - 1, V>(pixels, b, arithmetic, pixel, vector);
  }
}

// All pixels of the row for V vectors, in tiles of nearly equal size.
template <class Arithmetic, int Bytes, int Window, int V>
void columns(const LinearBlock& b, const Arithmetic& arithmetic, int64_t vector) {
  constexpr int kMost = Window == 1 ? Vec::kPixels[V] : Vec::kWindowPixels[V];
  const int64_t tiles = (b.pixels + kMost - 1) / kMost;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t begin = b.pixels * t / tiles;
    const int64_t end = b.pixels * (t + 1) / tiles;
    tile_of<Arithmetic, Bytes, Window, kMost, V>(end - begin, b, arithmetic, begin, vector);
  }
}

template <class Arithmetic, int Bytes>
void block_of(const LinearBlock& b) {
  const Arithmetic arithmetic(b);
  int64_t vector = 0;
  for (; b.vectors - vector >= 4; vector += 4) {
    columns<Arithmetic, Bytes, 1, 4>(b, arithmetic, vector);
  }
  if (b.vectors - vector == 3) columns<Arithmetic, Bytes, 1, 3>(b, arithmetic, vector);
  if (b.vectors - vector == 2) columns<Arithmetic, Bytes, 1, 2>(b, arithmetic, vector);
  if (b.vectors - vector == 1) columns<Arithmetic, Bytes, 1, 1>(b, arithmetic, vector);
}

template <class Arithmetic, int Bytes>
void window_of(const LinearBlock& b) {
  const Arithmetic arithmetic(b);
  int64_t vector = 0;
  for (; b.vectors - vector >= 2; vector += 2) {
    columns<Arithmetic, Bytes, 3, 2>(b, arithmetic, vector);
  }
  if (b.vectors - vector == 1) columns<Arithmetic, Bytes, 3, 1>(b, arithmetic, vector);
}

// Without windows a stride of one unit is worth knowing, and of one code for codes along a row.
template <class Arithmetic, int Code>
void linear_block(const LinearBlock& b) {
  if (b.window == 3) {
    return b.pixel_bytes == 4 ? window_of<Arithmetic, 4>(b) : window_of<Arithmetic, 8>(b);
  }
  switch (b.pixel_bytes) {
    case 4:
      return block_of<Arithmetic, 4>(b);
    case Code:
      return block_of<Arithmetic, Code>(b);
    default:
      return block_of<Arithmetic, 0>(b);
  }
}

void integer_block(const LinearBlock& b) { linear_block<Integer, 4 / Vec::kCodesPerUnit>(b); }
void real_block(const LinearBlock& b) { linear_block<Real, 0>(b); }

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

constexpr pare::runtime::own::LinearKernels kLinear = {
    Vec::kLanes, Vec::kCodesPerUnit, integer_block, real_block, integer_depthwise, real_depthwise};

}  // namespace
