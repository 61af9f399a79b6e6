// SPDX-License-Identifier: Apache-2.0
// Sparse products without expanding loads: walks the bits that are set.
#include "lib/runtime/kernels/own/sparse.hpp"

namespace pare::runtime::own {

namespace {

// Sixteen partial sums like the vector version's lanes, added in its order: the same bits.
float dot(const SparseRow& row, const float* x) {
  float sums[kSparseBlock] = {};
  const float* value = row.values;
  for (int64_t block = 0; block < row.blocks; ++block, x += kSparseBlock) {
    for (uint32_t mask = row.masks[block]; mask != 0; mask &= mask - 1) {
      const int lane = __builtin_ctz(mask);
      sums[lane] += *value++ * x[lane];
    }
  }
  for (int i = 0; i < 8; ++i) sums[i] += sums[i + 8];
  for (int i = 0; i < 4; ++i) sums[i] += sums[i + 4];
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

}  // namespace

const SparseKernels kSparseScalar = {dot};

}  // namespace pare::runtime::own
