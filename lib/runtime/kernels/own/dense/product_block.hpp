// SPDX-License-Identifier: Apache-2.0
// The inner loop of f32 products of several rows: a tile of rows times a few vectors of columns,
// over some of the depth. Included by code compiled for a particular ISA: plain data only.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

// y = clamp(sum + r), where the sum starts with the bias or goes on from what the output holds.
struct ProductBlock {
  const float* input = nullptr;  // the first row, the first of the depth
  int64_t rows = 0, row_stride = 0;
  int64_t depth = 0;
  const float* weights = nullptr;  // [depth][vector][lane]
  int64_t vectors = 0;             // 1 or 2
  // Weights that are needed next: a step asks for a line of them.
  const float* ahead = nullptr;
  const float* bias = nullptr;  // padded to lanes; null: goes on
  float low = 0.0F, high = 0.0F;
  const float* residual = nullptr;  // may be null; strides as for the output
  float* output = nullptr;
  int64_t output_stride = 0;
  int64_t columns = 0;  // there are
};

}  // namespace pare::runtime::own
