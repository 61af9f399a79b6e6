// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes of grouped_body.hpp in AVX-512 registers. Where VNNI is compiled for, four products
// and their sum are one instruction.
#pragma once

#include <array>
#include <cstdint>

#include <immintrin.h>

namespace {

struct Ints {
  __m512i v;

  static Ints zero() { return {_mm512_setzero_si512()}; }
  static Ints set(int32_t x) { return {_mm512_set1_epi32(x)}; }
  static Ints load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  void store(uint8_t* to) const { _mm512_storeu_si512(to, v); }
  Ints low_halves() const { return {_mm512_and_si512(v, _mm512_set1_epi8(15))}; }
  Ints high_halves() const {
    return {_mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15))};
  }
  Ints plus(const Ints& other) const { return {_mm512_add_epi32(v, other.v)}; }
  Ints times_256() const { return {_mm512_slli_epi32(v, 8)}; }
  void add_dot(const Ints& codes, const Ints& digits) {
#if defined(__AVX512VNNI__)
    // As an intrinsic it is surrounded by copies of registers (g++ 12).
    asm("vpdpbusd %2, %1, %0" : "+v"(v) : "v"(codes.v), "v"(digits.v));
#else
    v = _mm512_add_epi32(v, _mm512_madd_epi16(codes.v, digits.v));
#endif
  }
};

struct Floats {
  __m512 v;

  static Floats zero() { return {_mm512_setzero_ps()}; }
  static Floats set(float x) { return {_mm512_set1_ps(x)}; }
  static Floats load(const uint8_t* p) { return {_mm512_loadu_ps(p)}; }
  static Floats load_floats(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Floats of_halves(const uint8_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Floats of(const Ints& x) { return {_mm512_cvtepi32_ps(x.v)}; }
  void add_product(const Floats& a, const Floats& b) { v = _mm512_fmadd_ps(a.v, b.v, v); }
  void store(float* to) const { _mm512_storeu_ps(to, v); }
};

#if defined(__AVX512VNNI__)
constexpr int kDigits = 3;
constexpr int kWords = 1;
[[gnu::always_inline]] inline void split(const Ints& quad, Ints (&words)[kWords]) {
  words[0] = quad;
}
#else
constexpr int kDigits = 2;
constexpr int kWords = 2;
[[gnu::always_inline]] inline void split(const Ints& quad, Ints (&words)[kWords]) {
  words[0].v = _mm512_and_si512(quad.v, _mm512_set1_epi16(255));
  words[1].v = _mm512_srli_epi16(quad.v, 8);
}
#endif

constexpr int kManyRows = 8;
constexpr int kFewRows = 3;  // four would fill the registers, and the compiler spills
constexpr int kSetsOfOne = 2;

}  // namespace
