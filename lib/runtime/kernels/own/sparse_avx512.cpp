// SPDX-License-Identifier: Apache-2.0
// Sparse products with AVX-512: a block's values are expanded into their lanes by its mask.
#include <immintrin.h>

#include "lib/runtime/kernels/own/sparse.hpp"

namespace pare::runtime::own {

namespace {

float dot(const SparseRow& row, const float* x) {
  __m512 sums = _mm512_setzero_ps();
  const float* value = row.values;
  for (int64_t block = 0; block < row.blocks; ++block, x += kSparseBlock) {
    const __mmask16 mask = row.masks[block];
    const __m512 weights = _mm512_maskz_expand_ps(mask, _mm512_loadu_ps(value));
    sums = _mm512_add_ps(sums, _mm512_mul_ps(weights, _mm512_loadu_ps(x)));
    value += __builtin_popcount(mask);
  }
  float lanes[kSparseBlock];
  _mm512_storeu_ps(lanes, sums);
  for (int i = 0; i < 8; ++i) lanes[i] += lanes[i + 8];
  for (int i = 0; i < 4; ++i) lanes[i] += lanes[i + 4];
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

}  // namespace

const SparseKernels kSparseAvx512 = {dot};

}  // namespace pare::runtime::own
