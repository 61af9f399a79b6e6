// SPDX-License-Identifier: Apache-2.0
// Shapes of convolutions, poolings and matrix products, read once from a step's node.
#pragma once

#include <cstdint>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

// ONNX Conv, MaxPool and AveragePool in two spatial dimensions; a one-dimensional one has height 1.
struct Conv2d {
  int64_t batch = 1, channels = 1, height = 1, width = 1;
  int64_t out_channels = 1, out_height = 1, out_width = 1;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t groups = 1;

  int64_t group_channels() const { return channels / groups; }
  int64_t group_out_channels() const { return out_channels / groups; }
  int64_t taps() const { return kernel_height * kernel_width; }
  bool depthwise() const { return groups == channels && groups == out_channels && groups > 1; }
  int64_t macs() const {
    return batch * out_channels * out_height * out_width * group_channels() * taps();
  }
  bool operator==(const Conv2d&) const = default;
};

// Throws Error(step.name) for more than two spatial dimensions.
Conv2d conv_geometry(const StepSpec& step);
// Multiply-accumulates of a Conv in any number of spatial dimensions.
int64_t conv_macs(const StepSpec& step);
// Of MaxPool and AveragePool: out_channels = channels = groups.
Conv2d pool_geometry(const StepSpec& step);

// Gemm, or MatMul with a 2-d right-hand side: [rows, depth] x [depth, columns].
struct MatrixProduct {
  int64_t rows = 1, depth = 1, columns = 1;
  bool transposed_a = false;
  bool transposed_b = false;  // stored [columns, depth]
  float alpha = 1.0F;
  float beta = 1.0F;
  int64_t macs() const { return rows * depth * columns; }
};
MatrixProduct matrix_geometry(const StepSpec& step);

}  // namespace pare::runtime
