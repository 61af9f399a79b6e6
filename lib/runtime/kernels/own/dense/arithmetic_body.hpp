// SPDX-License-Identifier: Apache-2.0
// What a sum is made of, and what becomes of it, over the Vec that the including file chose: codes
// and floats. In an unnamed namespace, so each ISA has its own copy.
#pragma once

#include "lib/runtime/kernels/own/dense/linear_block.hpp"

namespace {

using pare::runtime::own::BlockOutput;

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

  // The sums of P pixels, `stride` elements apart, of which `at` is the first lane's of the first.
  // Step by step for all of them, so that no pixel's chain of instructions is waited for.
  template <int P>
  [[gnu::always_inline]] void store(const BlockOutput& b, const Sum (&sums)[P], int64_t channel,
                                    int64_t at, int64_t stride, int64_t lanes) const {
    if (lanes == Vec::kLanes) {
      store_lanes(b, sums, channel, at, stride, Vec::kLanes);
    } else {
      store_lanes(b, sums, channel, at, stride, lanes);
    }
  }

 private:
  template <int P>
  [[gnu::always_inline]] void store_lanes(const BlockOutput& b, const Sum (&sums)[P],
                                          int64_t channel, int64_t at, int64_t stride,
                                          int64_t lanes) const {
    const Vec::F multiplier = Vec::load_f32(b.multiplier + channel);
    Vec::F v[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) v[p] = Vec::mul(Vec::to_f32(sums[p]), multiplier);
    if (b.residual != nullptr) {
      const auto* residual = static_cast<const uint8_t*>(b.residual) + at;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const Vec::F r = Vec::sub(Vec::load_u8(residual + p * stride, lanes), residual_zero);
        v[p] = Vec::add(v[p], Vec::mul(residual_multiplier, r));
      }
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) v[p] = Vec::max(low, v[p]);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) v[p] = Vec::min(high, v[p]);
    if (b.to_float) {
      float* output = static_cast<float*>(b.output) + at;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) Vec::store_f32(output + p * stride, v[p], lanes);
      return;
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) v[p] = Vec::round(v[p]);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) v[p] = Vec::add(v[p], zero);
    uint8_t* output = static_cast<uint8_t*>(b.output) + at;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) Vec::store_u8(output + p * stride, v[p], lanes);
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

  template <int P>
  [[gnu::always_inline]] void store(const BlockOutput& b, const Sum (&sums)[P], int64_t, int64_t at,
                                    int64_t stride, int64_t lanes) const {
    if (lanes == Vec::kLanes) {
      store_lanes(b, sums, at, stride, Vec::kLanes);
    } else {
      store_lanes(b, sums, at, stride, lanes);
    }
  }

 private:
  template <int P>
  [[gnu::always_inline]] void store_lanes(const BlockOutput& b, const Sum (&sums)[P], int64_t at,
                                          int64_t stride, int64_t lanes) const {
    const float* residual = static_cast<const float*>(b.residual) + at;
    float* output = static_cast<float*>(b.output) + at;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      Vec::F v = sums[p];
      if (b.residual != nullptr) v = Vec::add(v, Vec::load_f32(residual + p * stride, lanes));
      Vec::store_f32(output + p * stride, Vec::min(high, Vec::max(low, v)), lanes);
    }
  }
};

int64_t lanes_at(int64_t channels, int64_t first) {
  return channels - first < Vec::kLanes ? channels - first : Vec::kLanes;
}

}  // namespace
