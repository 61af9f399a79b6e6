// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of AVX-512; with VNNI (decided by the file's compile flags) four u8 x s8 products a
// lane and step, without it two i16 x i16 ones. Lives in an unnamed namespace: each ISA's file has
// its own.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 16;
#if defined(__AVX512VNNI__)
  static constexpr int64_t kCodesPerStep = 4;
  using Code = uint8_t;
#else
  static constexpr int64_t kCodesPerStep = 2;
  using Code = int16_t;
#endif
  // Pixels a register block holds with 1, 2, 3 or 4 vectors of channels.
  static constexpr int kMaxPixels[5] = {0, 14, 12, 8, 6};
  using I = __m512i;
  using F = __m512;

  static __mmask16 mask(int64_t lanes) { return static_cast<__mmask16>((1U << lanes) - 1U); }
  static I load_i32(const int32_t* p) { return _mm512_loadu_si512(p); }
  static F load_f32(const float* p) { return _mm512_loadu_ps(p); }
  static I load_weights(const void* p) { return _mm512_loadu_si512(p); }
  // The same 32 bits of codes in every lane.
  static I broadcast_step(const Code* p) {
    int32_t step = 0;
    __builtin_memcpy(&step, p, sizeof step);
    return _mm512_set1_epi32(step);
  }
  static F set(float x) { return _mm512_set1_ps(x); }
  // acc[lane] += sum over the codes of a step, exact in i32, wrapping.
  static I dot(I acc, I codes, I weights) {
#if defined(__AVX512VNNI__)
    return _mm512_dpbusd_epi32(acc, codes, weights);
#else
    return _mm512_add_epi32(acc, _mm512_madd_epi16(codes, weights));
#endif
  }
  // acc[lane] += a[lane] * w[lane]
  static I multiply_add_i16(I acc, const int16_t* a, const int16_t* w) {
    const auto wide = [](const int16_t* p) {
      return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    };
    return _mm512_add_epi32(acc, _mm512_mullo_epi32(wide(a), wide(w)));
  }
  static F to_f32(I v) { return _mm512_cvtepi32_ps(v); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F max(F low, F v) { return _mm512_max_ps(low, v); }
  static F min(F high, F v) { return _mm512_min_ps(high, v); }
  // Codes as floats; lanes beyond `lanes` are not touched in memory.
  static F load_u8(const uint8_t* p, int64_t lanes) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask(lanes), p)));
  }
  // Rounds to nearest even; values already lie in [0, 255].
  static void store_u8(uint8_t* p, F v, int64_t lanes) {
    _mm_mask_storeu_epi8(p, mask(lanes), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
  }
  static void store_f32(float* p, F v, int64_t lanes) { _mm512_mask_storeu_ps(p, mask(lanes), v); }
};

}  // namespace
