// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of grouped_body.hpp in AVX-512 registers. Where VNNI is compiled for, four products
// and their sum are one instruction.
#pragma once

#include <cstdint>

#include <immintrin.h>

namespace {

struct Ints {
  __m512i v;

  static Ints zero() { return {_mm512_setzero_si512()}; }
  static Ints set(int32_t x) { return {_mm512_set1_epi32(x)}; }
  static Ints load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  Ints low_halves() const { return {_mm512_and_si512(v, _mm512_set1_epi8(15))}; }
  Ints high_halves() const {
    return {_mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15))};
  }
  Ints plus(const Ints& other) const { return {_mm512_add_epi32(v, other.v)}; }
  Ints times_256() const { return {_mm512_slli_epi32(v, 8)}; }
  void add_dot4(const Ints& codes, const Ints& digits) {
#if defined(__AVX512VNNI__)
    v = _mm512_dpbusd_epi32(v, codes.v, digits.v);
#else
    // Even and odd bytes as 16 bits: nothing saturates.
    const __m512i even_codes = _mm512_and_si512(codes.v, _mm512_set1_epi16(255));
    const __m512i odd_codes = _mm512_srli_epi16(codes.v, 8);
    const __m512i even_digits = _mm512_srai_epi16(_mm512_slli_epi16(digits.v, 8), 8);
    const __m512i odd_digits = _mm512_srai_epi16(digits.v, 8);
    v = _mm512_add_epi32(v, _mm512_madd_epi16(even_codes, even_digits));
    v = _mm512_add_epi32(v, _mm512_madd_epi16(odd_codes, odd_digits));
#endif
  }
};

struct Floats {
  __m512 v;

  static Floats zero() { return {_mm512_setzero_ps()}; }
  static Floats set(float x) { return {_mm512_set1_ps(x)}; }
  static Floats load(const uint8_t* p) { return {_mm512_loadu_ps(p)}; }
  static Floats of_halves(const uint8_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Floats of(const Ints& x) { return {_mm512_cvtepi32_ps(x.v)}; }
  Floats plus(const Floats& other) const { return {_mm512_add_ps(v, other.v)}; }
  Floats minus(const Floats& other) const { return {_mm512_sub_ps(v, other.v)}; }
  Floats times(const Floats& other) const { return {_mm512_mul_ps(v, other.v)}; }
  void add_product(const Floats& a, const Floats& b) { v = _mm512_fmadd_ps(a.v, b.v, v); }
  void store(float* to) const { _mm512_storeu_ps(to, v); }
};

constexpr int kTileRows = 3;  // four would fill the registers, and the compiler spills
constexpr int kSetsOfOne = 2;

}  // namespace
