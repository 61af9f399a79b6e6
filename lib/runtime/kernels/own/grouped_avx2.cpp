// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx2.
#include <cstdint>

#include <immintrin.h>

namespace {

// Sixteen floats.
struct Lanes {
  __m256 a, b;

  static Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static __m128i bytes(const uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static Lanes of_unsigned(__m128i codes) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)),
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(codes, 8)))};
  }
  static Lanes low_nibbles(const uint8_t* p) {
    return of_unsigned(_mm_and_si128(bytes(p), _mm_set1_epi8(15)));
  }
  static Lanes high_nibbles(const uint8_t* p) {
    return of_unsigned(_mm_and_si128(_mm_srli_epi16(bytes(p), 4), _mm_set1_epi8(15)));
  }
  static Lanes signed_bytes(const uint8_t* p) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes(p))),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes(p), 8)))};
  }
  void add_product(const Lanes& codes, const float* x) {
    a = _mm256_add_ps(a, _mm256_mul_ps(codes.a, _mm256_loadu_ps(x)));
    b = _mm256_add_ps(b, _mm256_mul_ps(codes.b, _mm256_loadu_ps(x + 8)));
  }
  void add(const Lanes& other) {
    a = _mm256_add_ps(a, other.a);
    b = _mm256_add_ps(b, other.b);
  }
  void add_scaled(const Lanes& other, float scale) {
    a = _mm256_add_ps(a, _mm256_mul_ps(other.a, _mm256_set1_ps(scale)));
    b = _mm256_add_ps(b, _mm256_mul_ps(other.b, _mm256_set1_ps(scale)));
  }
  void store(float* to) const {
    _mm256_storeu_ps(to, a);
    _mm256_storeu_ps(to + 8, b);
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx2 = kGrouped;

}  // namespace pare::runtime::own
