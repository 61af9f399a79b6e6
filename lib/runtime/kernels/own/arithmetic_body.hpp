// SPDX-License-Identifier: Apache-2.0
// What a sum is made of, and what becomes of it, over the Vec that the including file chose: codes
// and floats. In an unnamed namespace, so each ISA has its own copy.
#pragma once

#include "lib/runtime/kernels/own/linear_block.hpp"

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

  // `at`: the first lane's element of output and residual.
  [[gnu::always_inline]] void store(const BlockOutput& b, Sum sum, int64_t channel, int64_t at,
                                    int64_t lanes) const {
    Vec::F v = Vec::mul(Vec::to_f32(sum), Vec::load_f32(b.multiplier + channel));
    if (b.residual != nullptr) {
      const auto* residual = static_cast<const uint8_t*>(b.residual) + at;
      const Vec::F r = Vec::sub(Vec::load_u8(residual, lanes), residual_zero);
      v = Vec::add(v, Vec::mul(residual_multiplier, r));
    }
    v = Vec::min(high, Vec::max(low, v));
    if (b.to_float) {
      Vec::store_f32(static_cast<float*>(b.output) + at, v, lanes);
    } else {
      v = Vec::add(Vec::round(v), zero);
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

}  // namespace
