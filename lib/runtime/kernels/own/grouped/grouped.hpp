// SPDX-License-Identifier: Apache-2.0
// Inner loops of f32 products whose weights stay packed in memory: 4-bit and 8-bit codes with a
// scale (and zero point) a group of consecutive codes of a row. Compiled once per instruction set;
// every one of them gives the same bits, and a row's do not depend on how many rows go with it.
//
// Codes are multiplied as the integers they are. Activations are cut along the depth into blocks of
// at most 32 and each block is written as integers of 24 bits times a power of two, the largest of
// the block filling them: an error of at most 2^-22 of that largest value, where f32 has 2^-24 of
// each. The integers are written as digits, all of them signed: three of 8 bits where one
// instruction multiplies and adds up four bytes, else one of 8 and one of 16 bits, both in 16. So
// the products of a block add up exactly. A block's sums become f32, and scales apply.
//
// Weights come in panels of 32 rows, one stream of groups that is read in order:
//   scales  [row], f16 when that loses nothing, else f32
//   zeros   [row] in the same type: the code that means zero; none when it is 0 everywhere
//   codes   [block][step of 8 codes], padded with codes that meet an x of zero. A step:
//     4 bits  [row][4 bytes]: code i in the low half of byte i, code 4 + i in its high half
//     8 bits  [2][row][4 bytes]: codes 0..3, then codes 4..7
// Codes are unsigned, 8 (of 4 bits) or 128 (of 8 bits) above what they count; zeros count likewise.
//
// Rows of x are prepared in tiles. A tile of T rows: [group][block], of each
//   [T] the power of two (f32)
//   [2][T] what to start the sums from (minus 8 or 128 times the sum of the digits): of 4-bit codes
//       the whole sum's and 0, else the lowest digit's and that of the others
//   [T] minus the sum of the group's x so far (f32)
//   [digit, lowest first][4 codes][1 or 2 words][T] digits: of codes 0..3, or of 0, 2 and 1, 3
#pragma once

#include <cstdint>

namespace pare::runtime::own {

inline constexpr int64_t kPanelRows = 32;
inline constexpr int64_t kMostBlockCodes = 32;
inline constexpr int64_t kStepCodes = 8;
inline constexpr int64_t kBlockHeader = 4;  // words a row before the digits
// Rows of x in a call: so many of a depth of some thousands stay in a second-level cache while
// panel after panel passes.
inline constexpr int64_t kMostCallRows = 32;

struct GroupedShape {
  int64_t depth = 0, group_size = 0;          // codes of a row, of a group
  int64_t groups = 1, blocks = 1, steps = 1;  // of a row, a group, a block
  int64_t number_bytes = 0;                   // of a group's scales and zeros
  int64_t group_bytes = 0, panel_bytes = 0;   // of a group with its numbers, of a panel
  int64_t block_words = 0, x_words = 0;       // of a row's prepared block and row, 32 bits each
  bool four_bits = true;
  bool half = false;   // scales and zeros in f16
  bool zeros = false;  // there are some
};

struct GroupedKernels {
  int64_t step_words;  // of the digits of 8 codes
  int64_t most_rows;   // of a tile of x; every tile of a call but the last is as large
  // Writes one of a tile's rows: `to` its first word, `rows` how many the tile has.
  void (*prepare)(const GroupedShape& shape, const float* x, int64_t rows, int32_t* to);
  // y[row of x][row of the panel]. x: tiles of `rows` rows in all, at most kMostCallRows.
  void (*product)(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, int64_t rows,
                  float* y);
};

extern const GroupedKernels kGroupedScalar;
extern const GroupedKernels kGroupedAvx2;
extern const GroupedKernels kGroupedAvx512;
extern const GroupedKernels kGroupedAvx512Vnni;
extern const GroupedKernels kGroupedNeon;

}  // namespace pare::runtime::own
