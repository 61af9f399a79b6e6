// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/geometry.hpp"

#include <algorithm>
#include <array>

#include "lib/core/error.hpp"

namespace pare::runtime {

namespace {

using Pair = std::array<int64_t, 2>;

// Attribute list of one or two entries as {height, width}.
Pair spatial_pair(const ir::Node& node, const std::string& key, int64_t fallback, size_t rank) {
  const auto list = ir::attr_ints(node, key, std::vector<int64_t>(rank, fallback));
  if (list.size() != rank) throw Error(node.name, key + " has the wrong length");
  return rank == 1 ? Pair{fallback, list[0]} : Pair{list[0], list[1]};
}

// Padding in front of and behind one axis.
Pair axis_padding(const ir::Node& node, size_t axis, size_t rank, int64_t total) {
  const std::string mode = ir::attr_string(node, "auto_pad", "NOTSET");
  if (mode == "VALID") return {0, 0};
  total = std::max<int64_t>(total, 0);
  if (mode == "SAME_UPPER") return {total / 2, total - total / 2};
  if (mode == "SAME_LOWER") return {total - total / 2, total / 2};
  const auto pads = ir::attr_ints(node, "pads", std::vector<int64_t>(2 * rank, 0));
  if (pads.size() != 2 * rank) throw Error(node.name, "pads has the wrong length");
  return {pads[axis], pads[axis + rank]};
}

void set_window(Conv2d& g, const StepSpec& step, size_t rank) {
  const Pair stride = spatial_pair(step.node, "strides", 1, rank);
  const Pair dilation = spatial_pair(step.node, "dilations", 1, rank);
  g.stride_height = stride[0];
  g.stride_width = stride[1];
  g.dilation_height = dilation[0];
  g.dilation_width = dilation[1];
  const auto total = [](int64_t out, int64_t stride_, int64_t kernel, int64_t dilation_,
                        int64_t in) {
    return (out - 1) * stride_ + (kernel - 1) * dilation_ + 1 - in;
  };
  const Pair x =
      axis_padding(step.node, rank - 1, rank,
                   total(g.out_width, g.stride_width, g.kernel_width, g.dilation_width, g.width));
  g.pad_left = x[0];
  g.pad_right = x[1];
  if (rank == 1) return;
  const Pair y = axis_padding(
      step.node, 0, rank,
      total(g.out_height, g.stride_height, g.kernel_height, g.dilation_height, g.height));
  g.pad_top = y[0];
  g.pad_bottom = y[1];
}

Conv2d window_geometry(const StepSpec& step, std::span<const int64_t> kernel) {
  const ir::Dims& in = step.input(0).dims;
  const ir::Dims& out = step.output().dims;
  if (in.size() != 3 && in.size() != 4) {
    throw Error(step.name, step.node.op + " in " + std::to_string(in.size() - 2) +
                               " spatial dimensions is not supported");
  }
  const size_t rank = in.size() - 2;
  Conv2d g;
  g.batch = in[0];
  g.channels = in[1];
  g.width = in.back();
  g.out_channels = out[1];
  g.out_width = out.back();
  g.kernel_width = kernel.back();
  if (rank == 2) {
    g.height = in[2];
    g.out_height = out[2];
    g.kernel_height = kernel.front();
  }
  set_window(g, step, rank);
  return g;
}

}  // namespace

Conv2d conv_geometry(const StepSpec& step) {
  const ir::Dims& weight = step.input(1).dims;
  Conv2d g = window_geometry(step, std::span(weight).subspan(2));
  g.groups = ir::attr_int(step.node, "group", 1);
  return g;
}

int64_t conv_macs(const StepSpec& step) {
  const ir::Dims& weight = step.input(1).dims;
  return step.output().count() * ir::element_count(std::span(weight).subspan(1));
}

Conv2d pool_geometry(const StepSpec& step) {
  const ir::Dims kernel = ir::attr_ints(step.node, "kernel_shape", {});
  if (kernel.size() + 2 != step.input(0).dims.size()) {
    throw Error(step.name, "kernel_shape has the wrong length");
  }
  Conv2d g = window_geometry(step, kernel);
  g.groups = g.channels;
  return g;
}

MatrixProduct matrix_geometry(const StepSpec& step) {
  const ir::Dims& a = step.input(0).dims;
  const ir::Dims& b = step.input(1).dims;
  MatrixProduct g;
  if (step.node.op == "Gemm") {
    g.transposed_a = ir::attr_int(step.node, "transA", 0) != 0;
    g.transposed_b = ir::attr_int(step.node, "transB", 0) != 0;
    g.alpha = ir::attr_float(step.node, "alpha", 1.0F);
    g.beta = ir::attr_float(step.node, "beta", 1.0F);
    g.rows = g.transposed_a ? a[1] : a[0];
    g.depth = g.transposed_a ? a[0] : a[1];
    g.columns = g.transposed_b ? b[0] : b[1];
    return g;
  }
  g.depth = b[0];
  g.columns = b[1];
  g.rows = g.depth == 0 ? 0 : step.input(0).count() / g.depth;
  return g;
}

}  // namespace pare::runtime
