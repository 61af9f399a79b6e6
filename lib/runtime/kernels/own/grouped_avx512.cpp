// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx512.
#include <cstdint>

#include <immintrin.h>

namespace {

// Sixteen floats.
struct Lanes {
  __m512 v;

  static Lanes zero() { return {_mm512_setzero_ps()}; }
  static __m128i bytes(const uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static Lanes low_nibbles(const uint8_t* p) {
    const __m128i low = _mm_and_si128(bytes(p), _mm_set1_epi8(15));
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(low))};
  }
  static Lanes high_nibbles(const uint8_t* p) {
    const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes(p), 4), _mm_set1_epi8(15));
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(high))};
  }
  static Lanes signed_bytes(const uint8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes(p)))};
  }
  void add_product(const Lanes& codes, const float* x) {
    v = _mm512_add_ps(v, _mm512_mul_ps(codes.v, _mm512_loadu_ps(x)));
  }
  void add(const Lanes& other) { v = _mm512_add_ps(v, other.v); }
  void add_scaled(const Lanes& other, float scale) {
    v = _mm512_add_ps(v, _mm512_mul_ps(other.v, _mm512_set1_ps(scale)));
  }
  void store(float* to) const { _mm512_storeu_ps(to, v); }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx512 = kGrouped;

}  // namespace pare::runtime::own
