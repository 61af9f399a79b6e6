// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx512.
#include <cstdint>

#include <immintrin.h>

namespace {

// Sixteen floats.
struct Lanes {
  __m512 v;

  static Lanes zero() { return {_mm512_setzero_ps()}; }
  static Lanes load(const float* x) { return {_mm512_loadu_ps(x)}; }
  static Lanes set(float x) { return {_mm512_set1_ps(x)}; }
  static Lanes signed_bytes(const uint8_t* p) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes))};
  }
  void add_product(const Lanes& a, const Lanes& b) { v = _mm512_fmadd_ps(a.v, b.v, v); }
  void store(float* to) const { _mm512_storeu_ps(to, v); }
};

struct Words {
  __m512i v;

  static Words load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  // The lowest nibble of each word less 8, which is dropped. A permutation looks at four bits only:
  // it is the mask, the subtraction and the conversion in one.
  Lanes take_nibbles() {
    const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    const Lanes out = {_mm512_permutexvar_ps(v, values)};
    v = _mm512_srli_epi32(v, 4);
    return out;
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx512 = kGrouped;

}  // namespace pare::runtime::own
