// SPDX-License-Identifier: Apache-2.0
// The table itself. A row is data; what it points to is in shape_rules*.cpp and dimension_map.cpp.
#include "lib/ir/ops.hpp"

#include <algorithm>
#include <array>

#include "lib/ir/shape_rules.hpp"

namespace pare::ir {

namespace {

using Names = std::string_view;
constexpr Names kConv[] = {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"};
constexpr Names kGemm[] = {"alpha", "beta", "transA", "transB"};
constexpr Names kHardSigmoid[] = {"alpha", "beta"};
constexpr Names kGelu[] = {"approximate"};
constexpr Names kAxis[] = {"axis"};
constexpr Names kBatchNorm[] = {"epsilon", "momentum", "training_mode"};
constexpr Names kMaxPool[] = {"auto_pad", "ceil_mode",     "dilations", "kernel_shape",
                              "pads",     "storage_order", "strides"};
constexpr Names kAveragePool[] = {
    "auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"};
constexpr Names kReduce[] = {"keepdims", "noop_with_empty_axes"};
constexpr Names kReshape[] = {"allowzero"};
constexpr Names kTranspose[] = {"perm"};
constexpr Names kPad[] = {"mode"};
constexpr Names kConstant[] = {"value_float", "value_floats", "value_int", "value_ints"};

using enum IntegerRule;

// name, inputs at least and at most, outputs, weight input and axis, integer rule, dimension map,
// attributes, shape rule
constexpr std::array kOps = std::to_array<OpRow>({
    {"Conv", 2, 3, 1, 1, 0, kLinear, "nc~,oc~,o->no~", kConv, rules::conv},
    {"Gemm", 2, 3, 1, 1, 1, kLinear, "nk,ko,o->no", kGemm, rules::gemm},
    {"MatMul", 2, 2, 1, 1, -1, kLinear, "*mk,*kn->*mn", {}, rules::matmul},
    {"Add", 2, 2, 1, -1, 0, kElementwise, "*,*->*", {}, rules::elementwise},
    {"Sub", 2, 2, 1, -1, 0, kElementwise, "*,*->*", {}, rules::elementwise},
    {"Mul", 2, 2, 1, -1, 0, kElementwise, "*,*->*", {}, rules::elementwise},
    {"Div", 2, 2, 1, -1, 0, kNone, "*,*->*", {}, rules::elementwise},
    {"Relu", 1, 1, 1, -1, 0, kTable, "*->*", {}, rules::same},
    {"Clip", 1, 3, 1, -1, 0, kTable, "*,,->*", {}, rules::clip},
    {"Sigmoid", 1, 1, 1, -1, 0, kTable, "*->*", {}, rules::same},
    {"HardSwish", 1, 1, 1, -1, 0, kTable, "*->*", {}, rules::same},
    {"HardSigmoid", 1, 1, 1, -1, 0, kTable, "*->*", kHardSigmoid, rules::same},
    {"Gelu", 1, 1, 1, -1, 0, kTable, "*->*", kGelu, rules::same},
    {"Tanh", 1, 1, 1, -1, 0, kTable, "*->*", {}, rules::same},
    {"Softmax", 1, 1, 1, -1, 0, kNone, "*->*", kAxis, rules::along_axis},
    {"LogSoftmax", 1, 1, 1, -1, 0, kNone, "*->*", kAxis, rules::along_axis},
    {"BatchNormalization", 5, 5, 1, -1, 0, kNone, "nc*,c,c,c,c->nc*", kBatchNorm,
     rules::batch_normalization},
    {"MaxPool", 1, 1, 1, -1, 0, kPassThrough, "nc~->nc~", kMaxPool, rules::pool},
    {"AveragePool", 1, 1, 1, -1, 0, kAverage, "nc~->nc~", kAveragePool, rules::pool},
    {"GlobalAveragePool", 1, 1, 1, -1, 0, kAverage, "nc~->nc~", {}, rules::global_pool},
    {"ReduceMean", 1, 2, 1, -1, 0, kAverage, "", kReduce, rules::reduce},
    {"Flatten", 1, 1, 1, -1, 0, kPassThrough, "", kAxis, rules::flatten},
    {"Reshape", 2, 2, 1, -1, 0, kPassThrough, "", kReshape, rules::reshape},
    {"Transpose", 1, 1, 1, -1, 0, kPassThrough, "", kTranspose, rules::transpose},
    {"Concat", 1, -1, 1, -1, 0, kElementwise, "", kAxis, rules::concat},
    {"Slice", 3, 5, 1, -1, 0, kPassThrough, "", {}, rules::slice},
    {"Pad", 2, 4, 1, -1, 0, kPassThrough, "", kPad, rules::pad},
    {"Squeeze", 1, 2, 1, -1, 0, kPassThrough, "", {}, rules::squeeze},
    {"Unsqueeze", 2, 2, 1, -1, 0, kPassThrough, "", {}, rules::unsqueeze},
    {"Gather", 2, 2, 1, -1, 0, kPassThrough, "", kAxis, rules::gather},
    {"Identity", 1, 1, 1, -1, 0, kPassThrough, "*->*", {}, rules::same},
    {"Constant", 0, 0, 1, -1, 0, kNone, "", kConstant, rules::constant},
});

}  // namespace

std::span<const OpRow> all_ops() { return kOps; }

const OpRow* find_op(std::string_view name) {
  const auto it = std::ranges::find(kOps, name, &OpRow::name);
  return it == kOps.end() ? nullptr : &*it;
}

int weight_output_axis(const Node& node, int weight_rank) {
  const OpRow* row = find_op(node.op);
  if (!row || row->weight_input < 0) return -1;
  if (node.op == "Gemm") return attr_int(node, "transB", 0) != 0 ? 0 : 1;
  return row->weight_output_axis < 0 ? weight_rank - 1 : row->weight_output_axis;
}

}  // namespace pare::ir
