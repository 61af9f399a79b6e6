// SPDX-License-Identifier: Apache-2.0
// Inner loops of products of u8 activation codes with weights that stay in memory as 4-bit codes
// with a scale a group (w4a8). Compiled once an instruction set; lanes are output channels.
//
// Packed weights are 32-bit units, [vector of channels][group][record][lane], a group's records
// being its scale (f32) and then its words: a word is eight neighbouring codes of a channel, each
// as code + 8. The low halves of its four bytes are the first four of them, the high halves the
// other four. So two masks and a shift give two vectors that meet four activations each. A group is
// padded to whole words, with zeros. Memory is read in order.
//
// With u = w + 8 and n codes in a group, sum of (a - z) * w = sum of a * u - 8 * (sum of a - n * z)
// - z * (sum of u). The sum of u is worked out beside the products, once for all rows: it would be
// a fifth more to read.
#pragma once

#include "lib/runtime/kernels/own/dense/linear_block.hpp"

namespace pare::runtime::own {

inline constexpr int64_t kWordCodes = 8;

// Some rows of activations times some vectors of channels. `multiplier` is not used; bias is f32.
struct GroupProductBlock : BlockOutput {
  const uint8_t* input = nullptr;  // codes of the first row, padded like the groups
  int64_t rows = 0, row_bytes = 0;
  const int32_t* row_sums = nullptr;  // [row][group]: -8 * (sum of a - n * z)
  const uint32_t* weights = nullptr;  // of the first vector
  int64_t vector_units = 0;           // from one vector to the next
  int64_t groups = 0, words = 0;      // words a group ...
  int64_t last_words = 0;             // ... and of the last one
  int32_t input_zero = 0;             // z
  float scale = 0.0F;                 // s_a / s_y
  int64_t vectors = 0, channels = 0;  // channels: real ones, at most vectors * lanes
  int64_t output_stride = 0;          // elements from one row to the next
};

struct GroupProductKernels {
  int64_t lanes;
  void (*product)(const GroupProductBlock& block);
};

extern const GroupProductKernels kGroupProductScalar;
extern const GroupProductKernels kGroupProductAvx2;
extern const GroupProductKernels kGroupProductAvx512;
extern const GroupProductKernels kGroupProductAvx512Vnni;
extern const GroupProductKernels kGroupProductNeon;

}  // namespace pare::runtime::own
