// SPDX-License-Identifier: Apache-2.0
// Eight lanes of AVX2. See vec_avx512.hpp for what each function does.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 8;
  static constexpr int64_t kCodesPerStep = 2;
  static constexpr int kMaxPixels[5] = {0, 8, 4, 3, 2};
  using Code = int16_t;
  using I = __m256i;
  using F = __m256;

  static I mask(int64_t lanes) {
    const I index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(lanes)), index);
  }
  static I load_i32(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const I*>(p)); }
  static F load_f32(const float* p) { return _mm256_loadu_ps(p); }
  static I load_weights(const void* p) { return _mm256_loadu_si256(static_cast<const I*>(p)); }
  static I broadcast_step(const Code* p) {
    int32_t step = 0;
    __builtin_memcpy(&step, p, sizeof step);
    return _mm256_set1_epi32(step);
  }
  static F set(float x) { return _mm256_set1_ps(x); }
  static I dot(I acc, I codes, I weights) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(codes, weights));
  }
  static I multiply_add_i16(I acc, const int16_t* a, const int16_t* w) {
    const auto wide = [](const int16_t* p) {
      return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    };
    return _mm256_add_epi32(acc, _mm256_mullo_epi32(wide(a), wide(w)));
  }
  static F to_f32(I v) { return _mm256_cvtepi32_ps(v); }
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
