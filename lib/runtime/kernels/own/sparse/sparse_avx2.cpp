// SPDX-License-Identifier: Apache-2.0
// Sparse products with AVX2: entries of rounds gather their x. Expanding by a mask has no
// instruction here, real values are walked as on any CPU.
#include <immintrin.h>

namespace {

struct Lanes {
  __m256 a, b;

  static Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Lanes set(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  Lanes plus(const Lanes& other) const {
    return {_mm256_add_ps(a, other.a), _mm256_add_ps(b, other.b)};
  }
  Lanes times(const Lanes& other) const {
    return {_mm256_mul_ps(a, other.a), _mm256_mul_ps(b, other.b)};
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

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/sparse/sparse_rounds_body.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_strands_body.hpp"
// clang-format on

namespace pare::runtime::own {

namespace {

// Eight of a step's entries times the x they stand at.
[[gnu::always_inline]] inline void add_half(__m256& sum, const int16_t* entries, const float* x) {
  const __m256i wide =
      _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(entries)));
  const __m256i column = _mm256_and_si256(wide, _mm256_set1_epi32(kRoundColumns - 1));
  const __m256 codes = _mm256_cvtepi32_ps(_mm256_srai_epi32(wide, 5));
  sum = _mm256_add_ps(sum, _mm256_mul_ps(codes, _mm256_i32gather_ps(x, column, 4)));
}

void codes(const SparseRounds& rows, const float* x, float* y) {
  __m256 sums[kRoundSteps][2];
  for (auto& step : sums) step[0] = step[1] = _mm256_setzero_ps();
  const int16_t* entries = rows.entries;
  for (int64_t round = 0; round < rows.rounds; ++round) {
    const float* window = x + rows.columns[round];
#pragma GCC unroll 4
    for (int64_t step = 0; step < kRoundSteps; ++step, entries += kSparseRows) {
      add_half(sums[step][0], entries, window);
      add_half(sums[step][1], entries + 8, window);
    }
  }
  for (int half = 0; half < 2; ++half) {
    _mm256_storeu_ps(y + 8 * half, _mm256_add_ps(_mm256_add_ps(sums[0][half], sums[1][half]),
                                                 _mm256_add_ps(sums[2][half], sums[3][half])));
  }
}

}  // namespace

const SparseKernels kSparseAvx2 = {walked_dot, strands, codes, codes_batch};

}  // namespace pare::runtime::own
