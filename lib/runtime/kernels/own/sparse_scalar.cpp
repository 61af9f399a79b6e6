// SPDX-License-Identifier: Apache-2.0
// Sparse products on any architecture: walks the bits that are set, and the entries.
#include "lib/runtime/kernels/own/sparse.hpp"

namespace pare::runtime::own {

namespace {

// As many partial sums as the vector version has lanes, added in its order.
float dot(const SparseRow& row, const float* x) {
  float sums[kSparseBlock] = {};
  const float* value = row.values;
  for (int64_t block = 0; block < row.blocks; ++block, x += kSparseBlock) {
    for (uint64_t mask = row.masks[block]; mask != 0; mask &= mask - 1) {
      const int lane = __builtin_ctzll(mask);
      sums[lane] += *value++ * x[lane];
    }
  }
  for (int i = 0; i < 16; ++i) sums[i] = (sums[i] + sums[i + 16]) + (sums[i + 32] + sums[i + 48]);
  for (int i = 0; i < 8; ++i) sums[i] += sums[i + 8];
  for (int i = 0; i < 4; ++i) sums[i] += sums[i + 4];
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

void codes(const SparseRounds& rows, const float* x, float* y) {
  float sums[kRoundSteps][kSparseRows] = {};
  const int16_t* entry = rows.entries;
  for (int64_t round = 0; round < rows.rounds; ++round) {
    const float* window = x + rows.columns[round];
    for (auto& step : sums) {
      for (float& sum : step) {
        sum += static_cast<float>(*entry >> 5) * window[*entry & 31];
        ++entry;
      }
    }
  }
  for (int64_t r = 0; r < kSparseRows; ++r) {
    y[r] = (sums[0][r] + sums[1][r]) + (sums[2][r] + sums[3][r]);
  }
}

}  // namespace

const SparseKernels kSparseScalar = {dot, codes};

}  // namespace pare::runtime::own
