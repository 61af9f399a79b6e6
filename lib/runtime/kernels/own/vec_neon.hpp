// SPDX-License-Identifier: Apache-2.0
// Four lanes of NEON as every AArch64 has it. See vec_avx512.hpp for what each function does.
#pragma once

#include <cstdint>
#include <cstring>

#include <arm_neon.h>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 4;
  static constexpr int64_t kCodesPerUnit = 2;
  static constexpr int kPixels[5] = {0, 14, 11, 7, 5};
  static constexpr int kWindowPixels[3] = {0, 16, 10};  // likewise, with windows
  using I = int32x4_t;
  using F = float32x4_t;

  static I load_i32(const void* p) { return vld1q_s32(static_cast<const int32_t*>(p)); }
  static F load_f32(const void* p) { return vld1q_f32(static_cast<const float*>(p)); }
  static F load_f32(const float* p, int64_t lanes) {
    float at[4] = {};
    std::memcpy(at, p, static_cast<size_t>(lanes) * sizeof(float));
    return vld1q_f32(at);
  }
  static I broadcast_i32(const void* p) {
    int32_t unit = 0;
    std::memcpy(&unit, p, sizeof unit);
    return vdupq_n_s32(unit);
  }
  static F broadcast_f32(const void* p) { return vld1q_dup_f32(static_cast<const float*>(p)); }
  static F set(float x) { return vdupq_n_f32(x); }
  static I dot(I sum, I codes, I weights) {
    const int16x8_t a = vreinterpretq_s16_s32(codes);
    const int16x8_t w = vreinterpretq_s16_s32(weights);
    const I low = vmull_s16(vget_low_s16(a), vget_low_s16(w));
    return vaddq_s32(sum, vpaddq_s32(low, vmull_high_s16(a, w)));
  }
  static I widen_u8(const uint8_t* p) {
    uint32_t codes = 0;
    std::memcpy(&codes, p, sizeof codes);
    const uint16x8_t wide = vmovl_u8(vcreate_u8(codes));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide)));
  }
  template <int Bits>
  static I or_shifted(I unit, I codes) {
    return vorrq_s32(unit, vshlq_n_s32(codes, Bits));
  }
  static I zero() { return vdupq_n_s32(0); }
  static I roll(I unit, I code) { return vorrq_s32(vshrq_n_s32(unit, 8), vshlq_n_s32(code, 16)); }
  static F to_f32(I v) { return vcvtq_f32_s32(v); }
  static F multiply_add(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static F mul(F a, F b) { return vmulq_f32(a, b); }
  static F add(F a, F b) { return vaddq_f32(a, b); }
  static F sub(F a, F b) { return vsubq_f32(a, b); }
  static F max(F low, F v) { return vmaxq_f32(low, v); }  // a NaN stays
  static F min(F high, F v) { return vminq_f32(high, v); }
  static F load_u8(const uint8_t* p, int64_t lanes) {
    uint8_t codes[8] = {};
    std::memcpy(codes, p, static_cast<size_t>(lanes));
    return vcvtq_f32_s32(widen_u8(codes));
  }
  static F round(F v) { return vrndnq_f32(v); }  // to nearest even
  static void store_u8(uint8_t* p, F v, int64_t lanes) {
    const uint16x4_t words = vqmovun_s32(vcvtnq_s32_f32(v));  // rounds to nearest even
    uint8_t codes[8];
    vst1_u8(codes, vqmovn_u16(vcombine_u16(words, words)));
    std::memcpy(p, codes, static_cast<size_t>(lanes));
  }
  static void store_f32(float* p, F v, int64_t lanes) {
    if (lanes == kLanes) return vst1q_f32(p, v);
    float at[4];
    vst1q_f32(at, v);
    std::memcpy(p, at, static_cast<size_t>(lanes) * sizeof(float));
  }
};

}  // namespace
