// SPDX-License-Identifier: Apache-2.0
// How a real-valued tensor is stored as integer codes:
//   real = scale[g] * (code - zero_point[g])          g: the group the element belongs to
//   scale[g] = super_scale[s] * scale_code[g]          with two-level scales
//   real = scale[g] * codebook[code]                   with a codebook
// Schemes are parameters, never new dtypes.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/ir/dtype.hpp"

namespace pare::ir {

struct QuantScheme {
  DType code = DType::kI8;
  DType scale = DType::kF32;
  bool symmetric = true;   // zero points are absent and 0
  int axis = -1;           // -1: one group for the whole tensor (per-tensor); else per-channel axis
  int64_t group_size = 0;  // > 0: groups of this many consecutive elements along the LAST
                           // dimension of the tensor flattened to [dims[axis], rest]; tail allowed
  int64_t super_group = 0;  // > 0: that many groups share a second-level scale
  bool codebook = false;    // codes index a table of f32 values
  bool operator==(const QuantScheme&) const = default;
};

// Quantization of a graph value (activation): per-tensor, code in [0, 255] or [-128, 127].
struct ActivationQuant {
  DType code = DType::kU8;
  float scale = 1.0F;
  int32_t zero_point = 0;
  bool operator==(const ActivationQuant&) const = default;
};

// Orthogonal to quantization: which codes are stored.
enum class SparseKind : uint8_t { kDense, kBitmask, kNOfM, kBlock };
struct SparseLayout {
  SparseKind kind = SparseKind::kDense;
  int n = 0;      // kNOfM: n kept ...
  int m = 0;      // ... of each m along the flattened last dimension
  int block = 0;  // kBlock: elements a block
  bool operator==(const SparseLayout&) const = default;
};

}  // namespace pare::ir
