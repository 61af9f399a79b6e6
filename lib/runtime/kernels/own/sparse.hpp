// SPDX-License-Identifier: Apache-2.0
// The inner loop of f32 products whose weights stay sparse in memory: a bit for every weight and
// only the weights that are not left out. Rows are cut into blocks of 16; values follow one
// another.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

inline constexpr int64_t kSparseBlock = 16;

struct SparseRow {
  const uint16_t* masks;  // one a block
  const float* values;    // readable for 16 floats beyond the last one
  int64_t blocks;
};

struct SparseKernels {
  // Sum of weight * x; x padded with zeros to whole blocks.
  float (*dot)(const SparseRow& row, const float* x);
};

extern const SparseKernels kSparseScalar;
extern const SparseKernels kSparseAvx512;

}  // namespace pare::runtime::own
