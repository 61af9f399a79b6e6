// SPDX-License-Identifier: Apache-2.0
// Inner loops of f32 products whose weights stay packed in memory: 4-bit and 8-bit codes with a
// scale (and zero point) a group of consecutive codes of a row. Compiled once per instruction set.
//
// A call takes four rows, so that what is loaded of x serves four products. Codes come in planes of
// 16 neighbours; a group is padded to whole planes, which meet an x of zero.
//   4 bits  eight planes are a chunk: [chunk][row][16 words of 32 bits]; word l holds code l of
//   each
//           plane, the first in its lowest nibble, as code + 8 (u4: as it is, which then counts as
//           code - 8)
//   8 bits  [plane][row][16 bytes], signed
// Reading is in order: 64 bytes a row in turn.
#pragma once

#include <cstdint>

namespace pare::runtime::own {

inline constexpr int64_t kGroupedRows = 4;
inline constexpr int64_t kPlaneCodes = 16;
inline constexpr int64_t kChunkPlanes = 8;

struct GroupedRows {
  const uint8_t* codes;
  const float* scales;   // [group][row]
  const float* offsets;  // [group][row]: the code that means zero; null: zero is
  int64_t groups;
  int64_t planes;  // a group
};

struct GroupedKernels {
  // y[row] = sum over groups of scale * (sum of x * code - offset * x_sums[group]). x: padded like
  // the rows.
  void (*product4)(const GroupedRows& rows, const float* x, const float* x_sums, float* y);
  void (*product8)(const GroupedRows& rows, const float* x, const float* x_sums, float* y);
};

extern const GroupedKernels kGroupedScalar;
extern const GroupedKernels kGroupedAvx2;
extern const GroupedKernels kGroupedAvx512;

}  // namespace pare::runtime::own
