// SPDX-License-Identifier: Apache-2.0
// Four lanes in plain C++, for any architecture. See vec_avx512.hpp for what each function does.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 4;
  static constexpr int64_t kCodesPerUnit = 2;
  static constexpr int kPixels[5] = {0, 4, 2, 1, 1};
  static constexpr int kWindowPixels[3] = {0, 4, 2};  // likewise, with windows
  struct I {
    int32_t at[4];
  };
  struct F {
    float at[4];
  };

  static I load_i32(const void* p) {
    I v;
    std::memcpy(v.at, p, sizeof v.at);
    return v;
  }
  static F load_f32(const void* p) {
    F v;
    std::memcpy(v.at, p, sizeof v.at);
    return v;
  }
  static F load_f32(const float* p, int64_t lanes) {
    F v{};
    for (int64_t l = 0; l < lanes; ++l) v.at[l] = p[l];
    return v;
  }
  static I broadcast_i32(const void* p) {
    int32_t unit = 0;
    std::memcpy(&unit, p, sizeof unit);
    return {{unit, unit, unit, unit}};
  }
  static F broadcast_f32(const void* p) { return set(*static_cast<const float*>(p)); }
  static F set(float x) { return {{x, x, x, x}}; }
  static I dot(I acc, I codes, I weights) {
    int16_t a[8];
    int16_t w[8];
    std::memcpy(a, codes.at, sizeof a);
    std::memcpy(w, weights.at, sizeof w);
    for (int l = 0; l < 4; ++l) {
      const int32_t sum = static_cast<int32_t>(a[2 * l]) * w[2 * l] +
                          static_cast<int32_t>(a[2 * l + 1]) * w[2 * l + 1];
      // Wraps like the vector units do.
      acc.at[l] =
          static_cast<int32_t>(static_cast<uint32_t>(acc.at[l]) + static_cast<uint32_t>(sum));
    }
    return acc;
  }
  static I widen_u8(const uint8_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
  template <int Bits>
  static I or_shifted(I unit, I codes) {
    for (int l = 0; l < 4; ++l) unit.at[l] |= codes.at[l] << Bits;
    return unit;
  }
  static I zero() { return {}; }
  static I roll(I unit, I code) {
    for (int l = 0; l < 4; ++l) unit.at[l] = unit.at[l] >> 8 | code.at[l] << 16;
    return unit;
  }
  static F to_f32(I v) {
    F out;
    for (int l = 0; l < 4; ++l) out.at[l] = static_cast<float>(v.at[l]);
    return out;
  }
  static F multiply_add(F a, F b, F c) {
    for (int l = 0; l < 4; ++l) c.at[l] = a.at[l] * b.at[l] + c.at[l];
    return c;
  }
  static F mul(F a, F b) {
    for (int l = 0; l < 4; ++l) a.at[l] *= b.at[l];
    return a;
  }
  static F add(F a, F b) {
    for (int l = 0; l < 4; ++l) a.at[l] += b.at[l];
    return a;
  }
  static F sub(F a, F b) {
    for (int l = 0; l < 4; ++l) a.at[l] -= b.at[l];
    return a;
  }
  static F max(F low, F v) {
    for (int l = 0; l < 4; ++l) v.at[l] = v.at[l] < low.at[l] ? low.at[l] : v.at[l];
    return v;
  }
  static F min(F high, F v) {
    for (int l = 0; l < 4; ++l) v.at[l] = v.at[l] > high.at[l] ? high.at[l] : v.at[l];
    return v;
  }
  static F load_u8(const uint8_t* p, int64_t lanes) {
    F v{};
    for (int64_t l = 0; l < lanes; ++l) v.at[l] = static_cast<float>(p[l]);
    return v;
  }
  static F round(F v) {
    for (int l = 0; l < 4; ++l) v.at[l] = nearbyintf(v.at[l]);
    return v;
  }
  static void store_u8(uint8_t* p, F v, int64_t lanes) {
    for (int64_t l = 0; l < lanes; ++l) p[l] = static_cast<uint8_t>(v.at[l]);
  }
  static void store_f32(float* p, F v, int64_t lanes) {
    for (int64_t l = 0; l < lanes; ++l) p[l] = v.at[l];
  }
};

}  // namespace
