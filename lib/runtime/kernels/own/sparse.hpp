// SPDX-License-Identifier: Apache-2.0
// Inner loops of products whose weights stay sparse in memory. Sums have one order: the same bits
// on every instruction set.
//
// Real values: a bit for every weight and only the weights that are not left out. Rows are cut into
// blocks of 64 bits; values follow one another.
//
// Codes of 8 bits: 16 rows side by side, in rounds. A round has a column that it begins at and four
// steps; in a step every row multiplies one weight of the 32 columns from there, or nothing: rows
// that are ahead of the others wait. An entry is a weight's code, less the code that means zero,
// times 32, plus its column in the round. A vector of entries is looked up in 32 values of x at
// once, so that no weight's position is worked out while it runs.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

inline constexpr int64_t kSparseBlock = 64;
inline constexpr int64_t kSparseRows = 16;
inline constexpr int64_t kRoundSteps = 4;
inline constexpr int64_t kRoundColumns = 32;

struct SparseRow {
  const uint64_t* masks;  // one a block
  const float* values;    // readable for 16 floats beyond the last one
  int64_t blocks;
};

struct SparseRounds {
  const uint16_t* columns;  // that rounds begin at
  const int16_t* entries;   // [round][step][row]
  int64_t rounds;
};

struct SparseKernels {
  // Sum of weight * x; x padded with zeros to whole blocks.
  float (*dot)(const SparseRow& row, const float* x);
  // y[row] = sum of code * x; x padded with kRoundColumns zeros.
  void (*codes)(const SparseRounds& rows, const float* x, float* y);
};

extern const SparseKernels kSparseScalar;
extern const SparseKernels kSparseAvx2;
extern const SparseKernels kSparseAvx512;

}  // namespace pare::runtime::own
