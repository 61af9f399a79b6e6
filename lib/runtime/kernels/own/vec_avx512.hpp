// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of AVX-512; with VNNI (decided by the file's compile flags) a unit is four u8
// codes, without it two codes widened to i16. Lives in an unnamed namespace: each ISA's file has
// its own.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace {

struct Vec {
  static constexpr int64_t kLanes = 16;
#if defined(__AVX512VNNI__)
  static constexpr int64_t kCodesPerUnit = 4;
#else
  static constexpr int64_t kCodesPerUnit = 2;
#endif
  // Pixels a register block holds with 1, 2, 3 or 4 vectors of channels.
  static constexpr int kPixels[5] = {0, 14, 12, 8, 6};
  static constexpr int kWindowPixels[3] = {0, 16, 12};  // likewise, with windows
  using I = __m512i;
  using F = __m512;

  static __mmask16 mask(int64_t lanes) { return static_cast<__mmask16>((1U << lanes) - 1U); }
  static I load_i32(const void* p) { return _mm512_loadu_si512(p); }
  static F load_f32(const void* p) { return _mm512_loadu_ps(p); }
  // Lanes from `lanes` on are not read.
  static F load_f32(const float* p, int64_t lanes) { return _mm512_maskz_loadu_ps(mask(lanes), p); }
  // The same 32 bits, at any address, in every lane.
  static I broadcast_i32(const void* p) {
    int32_t unit = 0;
    __builtin_memcpy(&unit, p, sizeof unit);
    return _mm512_set1_epi32(unit);
  }
  static F broadcast_f32(const void* p) { return _mm512_set1_ps(*static_cast<const float*>(p)); }
  static F set(float x) { return _mm512_set1_ps(x); }
  // sum[lane] += products of the codes of a unit, exact in i32, wrapping.
  static I dot(I sum, I codes, I weights) {
#if defined(__AVX512VNNI__)
    // g++ 12 copies the sum before and after its intrinsic, which doubles the loop.
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(weights));
    return sum;
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(codes, weights));
#endif
  }
  // Reads kLanes bytes.
  static I widen_u8(const uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  template <int Bits>
  static I or_shifted(I unit, I codes) {
    return _mm512_or_si512(unit, _mm512_slli_epi32(codes, Bits));
  }
  static I zero() { return _mm512_setzero_si512(); }
  // Three u8 codes a lane: without the first, and with another at the end.
  static I roll(I unit, I code) {
    return _mm512_or_si512(_mm512_srli_epi32(unit, 8), _mm512_slli_epi32(code, 16));
  }
  static F to_f32(I v) { return _mm512_cvtepi32_ps(v); }
  // a * b + c, rounded once where the machine can
  static F multiply_add(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  // A NaN in v stays.
  static F max(F low, F v) { return _mm512_max_ps(low, v); }
  static F min(F high, F v) { return _mm512_min_ps(high, v); }
  // Codes as floats; lanes beyond `lanes` are not touched in memory.
  static F load_u8(const uint8_t* p, int64_t lanes) {
    const __m128i codes = lanes == kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
                                          : _mm_maskz_loadu_epi8(mask(lanes), p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(codes));
  }
  // To nearest even.
  static F round(F v) {
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  // Integers within [0, 255]; NaN becomes 0.
  static void store_u8(uint8_t* p, F v, int64_t lanes) {
    const __m128i codes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v));
    if (lanes == kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), codes);
    } else {
      _mm_mask_storeu_epi8(p, mask(lanes), codes);
    }
  }
  static void store_f32(float* p, F v, int64_t lanes) {
    if (lanes == kLanes) {
      _mm512_storeu_ps(p, v);
    } else {
      _mm512_mask_storeu_ps(p, mask(lanes), v);
    }
  }
};

}  // namespace
