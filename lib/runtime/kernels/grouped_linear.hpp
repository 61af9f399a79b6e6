// SPDX-License-Identifier: Apache-2.0
// A Gemm on activation codes whose weight has 4-bit codes with a scale a group along the row
// (w4a8), as docs/integer-arithmetic.md defines it:
//   sum[g] = sum over the group of (a - z_a) * w        exact in i32
//   t      = f32(sum[0]) * s[c][0] + f32(sum[1]) * s[c][1] + ...   in f32, in this order
//   v      = t * (s_a / s_y) + b[c] / s_y, then as in requantize.hpp
// in f32, every step rounded, products too.
#pragma once

#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime {

struct GroupedLinear {
  std::vector<int8_t> weight;  // codes, [column][depth]
  std::vector<float> scales;   // [column][group]
  std::vector<float> bias;     // b[c] / s_y; zeros when the node has none
  int64_t depth = 0, columns = 0;
  int64_t group_size = 0, groups = 0;  // of a column; the last group may be shorter
  int32_t input_zero = 0;              // z_a
  float multiplier = 0.0F;             // s_a / s_y
  Requantize output;                   // without multipliers

  int64_t group_begin(int64_t group) const { return group * group_size; }
  int64_t group_length(int64_t group) const {
    return std::min(group_size, depth - group_begin(group));
  }
  float value(float t, int64_t column, int32_t residual) const {
    return output.completed(t * multiplier + bias[static_cast<size_t>(column)], residual);
  }
};

// Whether the step is such a Gemm: transB, symmetric i4 codes in groups along the row, a constant
// bias, quantized input and quantized or f32 output.
bool grouped_runs_in_integers(const StepSpec& step);
// Precondition: grouped_runs_in_integers(step).
GroupedLinear grouped_linear(const StepSpec& step);

}  // namespace pare::runtime
