// SPDX-License-Identifier: Apache-2.0
// Sparse products with AVX-512: values are expanded into their lanes by their mask; entries of
// rounds look their x up in two registers.
#include <immintrin.h>

namespace {

struct Lanes {
  __m512 v;

  static Lanes zero() { return {_mm512_setzero_ps()}; }
  static Lanes set(float x) { return {_mm512_set1_ps(x)}; }
  static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  Lanes plus(const Lanes& other) const { return {_mm512_add_ps(v, other.v)}; }
  Lanes times(const Lanes& other) const { return {_mm512_mul_ps(v, other.v)}; }
  void add_product(const Lanes& x, const Lanes& y) { v = _mm512_fmadd_ps(x.v, y.v, v); }
  void store(float* to) const { _mm512_storeu_ps(to, v); }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/sparse/sparse_rounds_body.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_strands_body.hpp"
// clang-format on

namespace pare::runtime::own {

namespace {

// Bytes that are asked for before they are needed: the reading is too uneven for the processor to
// do so in time.
constexpr int64_t kAhead = 4096;

[[gnu::always_inline]] inline void add_block(__m512& sum, uint64_t mask, const float* values,
                                             const float* x) {
  const auto kept = static_cast<__mmask16>(mask);
  const __m512 weights = _mm512_maskz_expand_ps(kept, _mm512_loadu_ps(values));
  // Nothing for what is left out, though x were infinite there.
  sum = _mm512_mask3_fmadd_ps(weights, _mm512_loadu_ps(x), sum, kept);
}

float dot(const SparseRow& row, const float* x) {
  __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                    _mm512_setzero_ps()};
  const float* value = row.values;
  for (int64_t block = 0; block < row.blocks; ++block, x += kSparseBlock) {
    const uint64_t mask = row.masks[block];
    const int all = __builtin_popcountll(mask);
    for (int64_t line = 0; line < all * 4; line += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(value) + kAhead + line);
    }
    add_block(sums[0], mask, value, x);
    add_block(sums[1], mask >> 16, value + __builtin_popcountll(mask & 0xFFFF), x + 16);
    add_block(sums[2], mask >> 32, value + __builtin_popcountll(mask & 0xFFFF'FFFF), x + 32);
    add_block(sums[3], mask >> 48, value + __builtin_popcountll(mask & 0xFFFF'FFFF'FFFF), x + 48);
    value += all;
  }
  float lanes[16];
  _mm512_storeu_ps(lanes,
                   _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
  for (int i = 0; i < 8; ++i) lanes[i] += lanes[i + 8];
  for (int i = 0; i < 4; ++i) lanes[i] += lanes[i + 4];
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

// One step's entries times the x they stand at.
[[gnu::always_inline]] inline void add_step(__m512& sum, const int16_t* entries, __m512 low,
                                            __m512 high) {
  const __m512i wide =
      _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(entries)));
  // Only the lowest five bits of an index count.
  const __m512 x = _mm512_permutex2var_ps(low, wide, high);
  const __m512 codes = _mm512_cvtepi32_ps(_mm512_srai_epi32(wide, 5));
  sum = _mm512_add_ps(sum, _mm512_mul_ps(codes, x));
}

void codes(const SparseRounds& rows, const float* x, float* y) {
  __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                    _mm512_setzero_ps()};
  const int16_t* entries = rows.entries;
  for (int64_t round = 0; round < rows.rounds; ++round, entries += kRoundSteps * kSparseRows) {
    __builtin_prefetch(reinterpret_cast<const char*>(entries) + kAhead);
    __builtin_prefetch(reinterpret_cast<const char*>(entries) + kAhead + 64);
    const float* window = x + rows.columns[round];
    const __m512 low = _mm512_loadu_ps(window);
    const __m512 high = _mm512_loadu_ps(window + 16);
    add_step(sums[0], entries, low, high);
    add_step(sums[1], entries + 16, low, high);
    add_step(sums[2], entries + 32, low, high);
    add_step(sums[3], entries + 48, low, high);
  }
  _mm512_storeu_ps(y,
                   _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

}  // namespace

const SparseKernels kSparseAvx512 = {dot, strands, codes, codes_batch};

}  // namespace pare::runtime::own
