// SPDX-License-Identifier: Apache-2.0
// Inner loops of products whose weights stay sparse in memory. Sums have one order: the same bits
// on every instruction set.
//
// Real values: a bit for every weight and only the weights that are not left out. Rows are cut into
// blocks of 64 bits; values follow one another. A row's sum is that of 64 strands of fused
// products, one for each place in a block, added up as a tree.
//
// The same for many rows of x: their sums lie side by side in vectors, every kept weight is
// multiplied with a vector or more of x at once and has its block beside it. Weights come strand
// after strand, in the order of the tree's leaves, and in parts of 32 rows: a strand of x stays in
// cache for all rows of a part.
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
inline constexpr int64_t kSparsePartRows = 32;
inline constexpr int64_t kSegmentBlocks = 256;
inline constexpr int64_t kSparseLanes = 16;  // rows of x in a vector
inline constexpr int64_t kMostVectors = 8;   // of a tile of x: 1, 2, 4 or 8

// The strand that is the tree's leaf number `leaf`: its children at every level are what `dot` of
// SparseKernels adds.
inline constexpr int64_t strand_of_leaf(int64_t leaf) {
  constexpr int64_t kPlaces[] = {16, 32, 8, 4, 2, 1};
  int64_t strand = 0;
  for (int bit = 0; bit < 6; ++bit) strand += (leaf >> bit & 1) * kPlaces[bit];
  return strand;
}

struct SparseRow {
  const uint64_t* masks = nullptr;  // one a block
  const float* values = nullptr;    // readable for 16 floats beyond the last one
  int64_t blocks = 0;
};

struct SparseStrands {
  const uint16_t* counts = nullptr;  // [leaf][row][segment]: weights kept
  const uint8_t* blocks = nullptr;   // of every kept weight: its block, in its segment
  const float* values = nullptr;
  int64_t rows = 0, x_blocks = 0;  // rows: at most kSparsePartRows
};

struct SparseRounds {
  const uint16_t* columns = nullptr;  // that rounds begin at
  const int16_t* entries = nullptr;   // [round][step][row]
  int64_t rounds = 0;
};

struct SparseKernels {
  // Sum of weight * x; x padded with zeros to whole blocks.
  float (*dot)(const SparseRow& row, const float* x);
  // y[row of the part][row of x]: the same sums. x: [leaf][block][row of x], vectors * kSparseLanes
  // rows.
  void (*strands)(const SparseStrands& part, const float* x, int64_t vectors, float* y);
  // y[row] = sum of code * x; x padded with kRoundColumns zeros.
  void (*codes)(const SparseRounds& rows, const float* x, float* y);
  // y[row][row of x]: the same sums. x: [column][row of x], vectors (1 or 2) * kSparseLanes rows.
  void (*codes_batch)(const SparseRounds& rows, const float* x, int64_t vectors, float* y);
};

extern const SparseKernels kSparseScalar;
extern const SparseKernels kSparseAvx2;
extern const SparseKernels kSparseAvx512;
extern const SparseKernels kSparseNeon;

}  // namespace pare::runtime::own
