// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx2.
#include <cstdint>

#include <immintrin.h>

namespace {

// Sixteen floats.
struct Lanes {
  __m256 a, b;

  static Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Lanes load(const float* x) { return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)}; }
  static Lanes set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Lanes signed_bytes(const uint8_t* p) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(codes, 8)))};
  }
  void add_product(const Lanes& x, const Lanes& y) {
    a = _mm256_fmadd_ps(x.a, y.a, a);
    b = _mm256_fmadd_ps(x.b, y.b, b);
  }
  void store(float* to) const {
    _mm256_storeu_ps(to, a);
    _mm256_storeu_ps(to + 8, b);
  }
};

struct Words {
  __m256i a, b;

  static Words load(const uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  }
  Lanes take_nibbles() {
    const auto lowest = [](__m256i v) {
      const __m256i code = _mm256_and_si256(v, _mm256_set1_epi32(15));
      return _mm256_cvtepi32_ps(_mm256_sub_epi32(code, _mm256_set1_epi32(8)));
    };
    const Lanes out = {lowest(a), lowest(b)};
    a = _mm256_srli_epi32(a, 4);
    b = _mm256_srli_epi32(b, 4);
    return out;
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx2 = kGrouped;

}  // namespace pare::runtime::own
