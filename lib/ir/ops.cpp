// SPDX-License-Identifier: Apache-2.0
// The table itself. A row is data; what it points to is in shape_rules*.cpp and dimension_map.cpp.
#include "lib/ir/ops.hpp"

#include <algorithm>
#include <array>

#include "lib/ir/shape_rules.hpp"

namespace pare::ir {

namespace {

namespace types = rules::types;

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

constexpr Names kAlpha[] = {"alpha"};
constexpr Names kSelu[] = {"alpha", "gamma"};
constexpr Names kShrink[] = {"bias", "lambd"};
constexpr Names kInfinite[] = {"detect_negative", "detect_positive"};
constexpr Names kMod[] = {"fmod"};
constexpr Names kDirection[] = {"direction"};
constexpr Names kTo[] = {"saturate", "to"};
constexpr Names kShape[] = {"end", "start"};
constexpr Names kFilled[] = {"dtype", "value"};
constexpr Names kSplit[] = {"axis", "num_outputs"};

using enum IntegerRule;
using enum TypeSet;

// Which inputs are constants, as bits.
constexpr uint32_t kIn0 = 1, kIn1 = 2, kIn2 = 4, kIn3 = 8, kIn4 = 16;

// name, inputs at least and at most, outputs at least and at most, element types of input 0,
// integer rule, dimension map, attributes, shape rule; then where it differs from the default:
// element type of the outputs, inputs that are constants, weight input and its axis.
//
// The rows follow opset 21. Where ONNX differs:
// - `to` of Cast and `dtype` of ConstantOfShape and EyeLike are names: "f32", "i64", "bool", ...;
//   `value` of ConstantOfShape is a number;
// - Constant holds numbers only: tensors are parameters.
// Older forms are lowered by the reader: attributes that became inputs (axes of Squeeze, Unsqueeze
// and the reductions, pads and value of Pad, split of Split, bounds of Clip and Slice, k of TopK,
// shape of Reshape, ratio of Dropout), the 2-d coercion of Softmax, Hardmax and LogSoftmax before
// opset 13, per-group parameters of GroupNormalization before opset 21, Upsample (a Resize),
// Scatter (a ScatterElements).
constexpr std::array kOps = std::to_array<OpRow>({
    // Weights
    {"Conv", 2, 3, 1, 1, kFloat, kLinear, "nc~,oc~,o->no~", kConv, rules::conv, nullptr, 0, 1, 0},
    {"Gemm", 2, 3, 1, 1, kFloat, kLinear, "nk,ko,o->no", kGemm, rules::gemm, nullptr, 0, 1, 1},
    {"MatMul", 2, 2, 1, 1, kFloat, kLinear, "*mk,*kn->*mn", {}, rules::matmul, nullptr, 0, 1, -1},

    // Arithmetic
    {"Add", 2, 2, 1, 1, kNumber, kElementwise, "*,*->*", {}, rules::elementwise},
    {"Sub", 2, 2, 1, 1, kNumber, kElementwise, "*,*->*", {}, rules::elementwise},
    {"Mul", 2, 2, 1, 1, kNumber, kElementwise, "*,*->*", {}, rules::elementwise},
    {"Div", 2, 2, 1, 1, kNumber, kNone, "*,*->*", {}, rules::elementwise},
    {"Mod", 2, 2, 1, 1, kNumber, kNone, "*,*->*", kMod, rules::elementwise},
    {"Pow", 2, 2, 1, 1, kNumber, kNone, "*,*->*", {}, rules::power},
    {"Min", 1, -1, 1, 1, kNumber, kNone, "*,*->*", {}, rules::elementwise},
    {"Max", 1, -1, 1, 1, kNumber, kNone, "*,*->*", {}, rules::elementwise},
    {"Sum", 1, -1, 1, 1, kFloat, kNone, "*,*->*", {}, rules::elementwise},
    {"Mean", 1, -1, 1, 1, kFloat, kNone, "*,*->*", {}, rules::elementwise},
    {"PRelu", 2, 2, 1, 1, kNumber, kNone, "*,*->*", {}, rules::slope},
    {"BitShift", 2, 2, 1, 1, kInteger, kNone, "*,*->*", kDirection, rules::elementwise},
    {"BitwiseAnd", 2, 2, 1, 1, kInteger, kNone, "*,*->*", {}, rules::elementwise},
    {"BitwiseOr", 2, 2, 1, 1, kInteger, kNone, "*,*->*", {}, rules::elementwise},
    {"BitwiseXor", 2, 2, 1, 1, kInteger, kNone, "*,*->*", {}, rules::elementwise},
    {"BitwiseNot", 1, 1, 1, 1, kInteger, kNone, "*->*", {}, rules::same},

    // Comparison and logic
    {"Equal", 2, 2, 1, 1, kAny, kNone, "*,*->*", {}, rules::elementwise, types::boolean},
    {"Less", 2, 2, 1, 1, kNumber, kNone, "*,*->*", {}, rules::elementwise, types::boolean},
    {"LessOrEqual", 2, 2, 1, 1, kNumber, kNone, "*,*->*", {}, rules::elementwise, types::boolean},
    {"Greater", 2, 2, 1, 1, kNumber, kNone, "*,*->*", {}, rules::elementwise, types::boolean},
    {"GreaterOrEqual",
     2,
     2,
     1,
     1,
     kNumber,
     kNone,
     "*,*->*",
     {},
     rules::elementwise,
     types::boolean},
    {"And", 2, 2, 1, 1, kBool, kNone, "*,*->*", {}, rules::elementwise},
    {"Or", 2, 2, 1, 1, kBool, kNone, "*,*->*", {}, rules::elementwise},
    {"Xor", 2, 2, 1, 1, kBool, kNone, "*,*->*", {}, rules::elementwise},
    {"Not", 1, 1, 1, 1, kBool, kNone, "*->*", {}, rules::same},
    {"IsNaN", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same, types::boolean},
    {"IsInf", 1, 1, 1, 1, kFloat, kNone, "*->*", kInfinite, rules::same, types::boolean},
    {"Where", 3, 3, 1, 1, kBool, kNone, "*,*,*->*", {}, rules::where, types::of_input_1},

    // Functions of one number
    {"Abs", 1, 1, 1, 1, kNumber, kTable, "*->*", {}, rules::same},
    {"Neg", 1, 1, 1, 1, kNumber, kTable, "*->*", {}, rules::same},
    {"Sign", 1, 1, 1, 1, kNumber, kNone, "*->*", {}, rules::same},
    {"Relu", 1, 1, 1, 1, kNumber, kTable, "*->*", {}, rules::same},
    {"Clip", 1, 3, 1, 1, kNumber, kTable, "*,,->*", {}, rules::clip, nullptr, kIn1 | kIn2},
    {"Floor", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Ceil", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Round", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Sqrt", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Reciprocal", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Exp", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Log", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Erf", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Sin", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Cos", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Tan", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Asin", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Acos", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Atan", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Sinh", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Cosh", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Tanh", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Asinh", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Acosh", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Atanh", 1, 1, 1, 1, kFloat, kNone, "*->*", {}, rules::same},
    {"Sigmoid", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"HardSigmoid", 1, 1, 1, 1, kFloat, kTable, "*->*", kHardSigmoid, rules::same},
    {"HardSwish", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Swish", 1, 1, 1, 1, kFloat, kTable, "*->*", kAlpha, rules::same},
    {"Mish", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Gelu", 1, 1, 1, 1, kFloat, kTable, "*->*", kGelu, rules::same},
    {"Elu", 1, 1, 1, 1, kFloat, kTable, "*->*", kAlpha, rules::same},
    {"Celu", 1, 1, 1, 1, kFloat, kTable, "*->*", kAlpha, rules::same},
    {"Selu", 1, 1, 1, 1, kFloat, kTable, "*->*", kSelu, rules::same},
    {"LeakyRelu", 1, 1, 1, 1, kFloat, kTable, "*->*", kAlpha, rules::same},
    {"ThresholdedRelu", 1, 1, 1, 1, kFloat, kTable, "*->*", kAlpha, rules::same},
    {"Shrink", 1, 1, 1, 1, kFloat, kNone, "*->*", kShrink, rules::same},
    {"Softplus", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Softsign", 1, 1, 1, 1, kFloat, kTable, "*->*", {}, rules::same},
    {"Cast", 1, 1, 1, 1, kAny, kNone, "*->*", kTo, rules::same, types::stated},

    // Along an axis
    {"Softmax", 1, 1, 1, 1, kFloat, kNone, "*->*", kAxis, rules::along_axis},
    {"LogSoftmax", 1, 1, 1, 1, kFloat, kNone, "*->*", kAxis, rules::along_axis},
    {"ReduceMean", 1, 2, 1, 1, kFloat, kAverage, "", kReduce, rules::reduce, nullptr, kIn1},

    // Layers
    {"BatchNormalization", 5, 5, 1, 1, kFloat, kNone, "nc*,c,c,c,c->nc*", kBatchNorm,
     rules::batch_normalization},
    {"MaxPool", 1, 1, 1, 2, kNumber, kPassThrough, "nc~->nc~", kMaxPool, rules::pool,
     types::then_i64},
    {"AveragePool", 1, 1, 1, 1, kFloat, kAverage, "nc~->nc~", kAveragePool, rules::pool},
    {"GlobalAveragePool", 1, 1, 1, 1, kFloat, kAverage, "nc~->nc~", {}, rules::global_pool},

    // Moving elements
    {"Flatten", 1, 1, 1, 1, kAny, kPassThrough, "", kAxis, rules::flatten},
    {"Reshape", 2, 2, 1, 1, kAny, kPassThrough, "", kReshape, rules::reshape, nullptr, kIn1},
    {"Transpose", 1, 1, 1, 1, kAny, kPassThrough, "", kTranspose, rules::transpose},
    {"Concat", 1, -1, 1, 1, kAny, kElementwise, "", kAxis, rules::concat},
    {"Split", 1, 2, 1, -1, kAny, kNone, "", kSplit, rules::split, nullptr, kIn1},
    {"Slice",
     3,
     5,
     1,
     1,
     kAny,
     kPassThrough,
     "",
     {},
     rules::slice,
     nullptr,
     kIn1 | kIn2 | kIn3 | kIn4},
    {"Pad", 2, 4, 1, 1, kAny, kPassThrough, "", kPad, rules::pad, nullptr, kIn1 | kIn2 | kIn3},
    {"Squeeze", 1, 2, 1, 1, kAny, kPassThrough, "", {}, rules::squeeze, nullptr, kIn1},
    {"Unsqueeze", 2, 2, 1, 1, kAny, kPassThrough, "", {}, rules::unsqueeze, nullptr, kIn1},
    {"Gather", 2, 2, 1, 1, kAny, kPassThrough, "", kAxis, rules::gather},
    {"Expand", 2, 2, 1, 1, kAny, kNone, "", {}, rules::expand, nullptr, kIn1},
    {"Tile", 2, 2, 1, 1, kAny, kNone, "", {}, rules::tile, nullptr, kIn1},
    {"Identity", 1, 1, 1, 1, kAny, kPassThrough, "*->*", {}, rules::same},

    // Made of numbers or of shapes
    {"Constant", 0, 0, 1, 1, kAny, kNone, "", kConstant, rules::constant, types::of_constant},
    {"ConstantOfShape", 1, 1, 1, 1, kInteger, kNone, "", kFilled, rules::constant_of_shape,
     types::stated_or_f32, kIn0},
    {"Shape", 1, 1, 1, 1, kAny, kNone, "", kShape, rules::shape, types::i64},
    {"Size", 1, 1, 1, 1, kAny, kNone, "", {}, rules::size, types::i64},
    {"Range", 3, 3, 1, 1, kNumber, kNone, "", {}, rules::range, nullptr, kIn0 | kIn1 | kIn2},
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
