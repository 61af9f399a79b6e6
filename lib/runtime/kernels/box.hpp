// SPDX-License-Identifier: Apache-2.0
// Slice and Pad as one thing: output index i along axis d is input index start[d] + i * step[d],
// and outside the input lies padding. What the operators' attributes and constant inputs say, read
// once.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

struct Box {
  ir::Dims in, out;
  std::vector<int64_t> start, step;
};

// Starts, ends, axes and steps must be constants, else Error(step.name). Bounds are clamped.
Box slice_box(const StepSpec& step);
// Of any mode of Pad: where the input lies in the output. Pads must be constants, else Error.
Box pad_box(const StepSpec& step);
// The bytes of a padding element: the constant, quantized when the step runs on codes.
std::array<std::byte, 8> padding_element(const StepSpec& step);

}  // namespace pare::runtime
