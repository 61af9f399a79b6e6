// SPDX-License-Identifier: Apache-2.0
// Inner loops of f32 products whose weights stay packed in memory: 4-bit and 8-bit codes with a
// scale (and zero point) a group of consecutive codes of a row. Compiled once per instruction set.
//
// Packed rows: each group is padded to whole chunks of 32 codes. 4 bits: 16 bytes a chunk, byte j
// holds code j in its low and code j + 16 in its high nibble, both unsigned (signed codes plus 8).
// 8 bits: 32 bytes, signed. Codes that pad a group meet activations of zero.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

inline constexpr int64_t kGroupedChunk = 32;

struct GroupedRow {
  const uint8_t* codes;
  const float* scales;   // one a group
  const float* offsets;  // one a group: the packed code that means zero
  int64_t groups;
  int64_t chunks;  // a group
};

struct GroupedKernels {
  // Sum over groups of scale * (sum of x * code) - scale * offset * x_sums[group]. x: padded like
  // the row.
  float (*dot4)(const GroupedRow& row, const float* x, const float* x_sums);
  float (*dot8)(const GroupedRow& row, const float* x, const float* x_sums);
};

extern const GroupedKernels kGroupedScalar;
extern const GroupedKernels kGroupedAvx2;
extern const GroupedKernels kGroupedAvx512;

}  // namespace pare::runtime::own
