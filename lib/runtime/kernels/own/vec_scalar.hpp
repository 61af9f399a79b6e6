// SPDX-License-Identifier: Apache-2.0
// Four lanes in plain C++, for any architecture. See vec_avx512.hpp for what each function does.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 4;
  static constexpr int64_t kCodesPerStep = 2;
  static constexpr int kMaxPixels[5] = {0, 4, 2, 1, 1};
  using Code = int16_t;
  struct I {
    int32_t at[4];
  };
  struct F {
    float at[4];
  };

  static I load_i32(const int32_t* p) {
    I v;
    std::memcpy(v.at, p, sizeof v.at);
    return v;
  }
  static F load_f32(const float* p) {
    F v;
    std::memcpy(v.at, p, sizeof v.at);
    return v;
  }
  static I load_weights(const void* p) {
    I v;
    std::memcpy(v.at, p, sizeof v.at);
    return v;
  }
  static I broadcast_step(const Code* p) {
    int32_t step = 0;
    std::memcpy(&step, p, sizeof step);
    return {{step, step, step, step}};
  }
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
  static I multiply_add_i16(I acc, const int16_t* a, const int16_t* w) {
    for (int l = 0; l < 4; ++l) acc.at[l] += static_cast<int32_t>(a[l]) * w[l];
    return acc;
  }
  static F to_f32(I v) {
    F out;
    for (int l = 0; l < 4; ++l) out.at[l] = static_cast<float>(v.at[l]);
    return out;
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
  static void store_u8(uint8_t* p, F v, int64_t lanes) {
    for (int64_t l = 0; l < lanes; ++l) p[l] = static_cast<uint8_t>(nearbyintf(v.at[l]));
  }
  static void store_f32(float* p, F v, int64_t lanes) {
    for (int64_t l = 0; l < lanes; ++l) p[l] = v.at[l];
  }
};

}  // namespace
