// SPDX-License-Identifier: Apache-2.0
// Eight lanes of AVX2. See vec_avx512.hpp for what each function does.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 8;
  static constexpr int64_t kCodesPerUnit = 2;
  static constexpr int kPixels[5] = {0, 8, 4, 3, 2};
  static constexpr int kWindowPixels[3] = {0, 8, 4};  // likewise, with windows
  using I = __m256i;
  using F = __m256;

  static I mask(int64_t lanes) {
    const I index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(lanes)), index);
  }
  static I load_i32(const void* p) { return _mm256_loadu_si256(static_cast<const I*>(p)); }
  static F load_f32(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
  static F load_f32(const float* p, int64_t lanes) { return _mm256_maskload_ps(p, mask(lanes)); }
  static I broadcast_i32(const void* p) {
    int32_t unit = 0;
    __builtin_memcpy(&unit, p, sizeof unit);
    return _mm256_set1_epi32(unit);
  }
  static F broadcast_f32(const void* p) { return _mm256_set1_ps(*static_cast<const float*>(p)); }
  static F set(float x) { return _mm256_set1_ps(x); }
  static I dot(I acc, I codes, I weights) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(codes, weights));
  }
  static I widen_u8(const uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  template <int Bits>
  static I or_shifted(I unit, I codes) {
    return _mm256_or_si256(unit, _mm256_slli_epi32(codes, Bits));
  }
  static I zero() { return _mm256_setzero_si256(); }
  // Three u8 codes a lane: without the first, and with another at the end.
  static I roll(I unit, I code) {
    return _mm256_or_si256(_mm256_srli_epi32(unit, 8), _mm256_slli_epi32(code, 16));
  }
  static F to_f32(I v) { return _mm256_cvtepi32_ps(v); }
  static F multiply_add(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F max(F low, F v) { return _mm256_max_ps(low, v); }
  static F min(F high, F v) { return _mm256_min_ps(high, v); }
  static F load_u8(const uint8_t* p, int64_t lanes) {
    uint64_t bytes = 0;
    __builtin_memcpy(&bytes, p, static_cast<size_t>(lanes));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes))));
  }
  static F round(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static void store_u8(uint8_t* p, F v, int64_t lanes) {
    const I codes = _mm256_cvtps_epi32(v);
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    const auto bytes = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_packus_epi16(words, words)));
    __builtin_memcpy(p, &bytes, static_cast<size_t>(lanes));
  }
  static void store_f32(float* p, F v, int64_t lanes) { _mm256_maskstore_ps(p, mask(lanes), v); }
};

}  // namespace
