// SPDX-License-Identifier: Apache-2.0
// What attributes and constant operands say about shapes, resolved once for shape inference,
// kernels and the trainer: windows (Conv, pools), slices, pads, axes, broadcasting. All follow the
// ONNX operator specification, opset 21; all throw Error(node.name, ...) when node and shapes do
// not fit.
#pragma once

#include <span>
#include <vector>

#include "lib/ir/graph.hpp"
#include "lib/ir/shape.hpp"

namespace pare::ir {

// Sizes from files beyond this are refused, so that sums of a few of them cannot overflow.
inline constexpr int64_t kLargestDim = int64_t{1} << 40;

// A sliding window over the spatial dimensions, auto_pad and ceil_mode already applied.
struct Window {
  Dims kernel;
  Dims strides;
  Dims dilations;
  Dims pads_begin;
  Dims pads_end;  // as stated; with ceil_mode the last window may reach further
  Dims output;
};
// `spatial`: input sizes after batch and channels; `kernel`: of the weight, or kernel_shape.
Window window_of(const Node& node, const Dims& spatial, const Dims& kernel);

// Of a ConvTranspose: input element i covers the outputs i * stride - pads_begin + k * dilation.
Window transposed_window_of(const Node& node, const Dims& spatial, const Dims& kernel);

// Axis in [0, rank); negative counts from the back.
int normalized_axis(const Node& node, int64_t axis, int rank);
// Distinct and ascending.
std::vector<int> normalized_axes(const Node& node, std::span<const int64_t> axes, int rank);

// One dimension of a Slice: output element i is input element start + i * step.
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};
SliceRange slice_range(const Node& node, int64_t size, int64_t start, int64_t end, int64_t step);

// NumPy broadcasting of two shapes; a symbol fits itself and 1.
Shape broadcast(const Node& node, const Shape& a, const Shape& b);

}  // namespace pare::ir
