// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx2.
#include <array>
#include <cstdint>

#include <immintrin.h>

namespace {

__m256i load_256(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

struct Ints {
  __m256i a, b;

  static Ints zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Ints set(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static Ints load(const uint8_t* p) { return {load_256(p), load_256(p + 32)}; }
  void store(uint8_t* to) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), b);
  }
  Ints low_halves() const {
    const __m256i low = _mm256_set1_epi8(15);
    return {_mm256_and_si256(a, low), _mm256_and_si256(b, low)};
  }
  Ints high_halves() const {
    return Ints{_mm256_srli_epi16(a, 4), _mm256_srli_epi16(b, 4)}.low_halves();
  }
  Ints plus(const Ints& other) const {
    return {_mm256_add_epi32(a, other.a), _mm256_add_epi32(b, other.b)};
  }
  Ints times_256() const { return {_mm256_slli_epi32(a, 8), _mm256_slli_epi32(b, 8)}; }
  void add_dot(const Ints& codes, const Ints& digits) {
    a = _mm256_add_epi32(a, _mm256_madd_epi16(codes.a, digits.a));
    b = _mm256_add_epi32(b, _mm256_madd_epi16(codes.b, digits.b));
  }
};

struct Floats {
  __m256 a, b;

  static Floats zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Floats set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats load(const uint8_t* p) {
    return {_mm256_castsi256_ps(load_256(p)), _mm256_castsi256_ps(load_256(p + 32))};
  }
  static Floats load_floats(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  // Finite ones, by bits: f16's exponent starts 112 above f32's.
  static Floats of_halves(const uint8_t* p) {
    const auto widen = [](const uint8_t* at) {
      const __m256i bits =
          _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
      const __m256i sign = _mm256_and_si256(bits, _mm256_set1_epi32(INT32_MIN));
      const __m256i rest = _mm256_slli_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x7FFF)), 13);
      const __m256 value = _mm256_castsi256_ps(_mm256_or_si256(rest, sign));
      return _mm256_mul_ps(value, _mm256_set1_ps(0x1p112F));
    };
    return {widen(p), widen(p + 16)};
  }
  static Floats of(const Ints& x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
  void add_product(const Floats& x, const Floats& y) {
    a = _mm256_fmadd_ps(x.a, y.a, a);
    b = _mm256_fmadd_ps(x.b, y.b, b);
  }
  void store(float* to) const {
    _mm256_storeu_ps(to, a);
    _mm256_storeu_ps(to + 8, b);
  }
};

constexpr int kDigits = 2;
constexpr int kWords = 2;
[[gnu::always_inline]] inline void split(const Ints& quad, Ints (&words)[kWords]) {
  const __m256i low = _mm256_set1_epi16(255);
  words[0] = {_mm256_and_si256(quad.a, low), _mm256_and_si256(quad.b, low)};
  words[1] = {_mm256_srli_epi16(quad.a, 8), _mm256_srli_epi16(quad.b, 8)};
}

constexpr int kManyRows = 2;
constexpr int kFewRows = 1;
constexpr int kSetsOfOne = 1;

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx2 = kGrouped;

}  // namespace pare::runtime::own
