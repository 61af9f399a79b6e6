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

constexpr Names kConvTranspose[] = {"auto_pad",       "dilations",    "group", "kernel_shape",
                                    "output_padding", "output_shape", "pads",  "strides"};
constexpr Names kEquation[] = {"equation"};
constexpr Names kArgReduce[] = {"axis", "keepdims", "select_last_index"};
constexpr Names kTopK[] = {"axis", "largest", "sorted"};
constexpr Names kCumulate[] = {"exclusive", "reverse"};
constexpr Names kLpPool[] = {"auto_pad", "ceil_mode", "dilations", "kernel_shape",
                             "p",        "pads",      "strides"};
constexpr Names kLayerNorm[] = {"axis", "epsilon", "stash_type"};
constexpr Names kEpsilon[] = {"epsilon"};
constexpr Names kGroupNorm[] = {"epsilon", "num_groups", "stash_type"};
constexpr Names kLrn[] = {"alpha", "beta", "bias", "size"};
constexpr Names kLpNorm[] = {"axis", "p"};
constexpr Names kAxes[] = {"axes"};
// `activations` is one text, the names joined by commas.
constexpr Names kRecurrent[] = {"activation_alpha",   "activation_beta", "activations",  "clip",
                                "direction",          "hidden_size",     "input_forget", "layout",
                                "linear_before_reset"};
constexpr Names kResize[] = {"antialias",
                             "axes",
                             "coordinate_transformation_mode",
                             "cubic_coeff_a",
                             "exclude_outside",
                             "extrapolation_value",
                             "keep_aspect_ratio_policy",
                             "mode",
                             "nearest_mode"};
constexpr Names kAttention[] = {
    "is_causal", "kv_num_heads", "q_num_heads",      "qk_matmul_output_mode",
    "scale",     "softcap",      "softmax_precision"};
constexpr Names kRotary[] = {"interleaved", "num_heads", "rotary_embedding_dim"};
constexpr Names kBatchDims[] = {"batch_dims"};
constexpr Names kScatter[] = {"axis", "reduction"};
constexpr Names kReduction[] = {"reduction"};
constexpr Names kReverse[] = {"batch_axis", "time_axis"};
constexpr Names kUpper[] = {"upper"};
constexpr Names kDepthToSpace[] = {"blocksize", "mode"};
constexpr Names kBlock[] = {"blocksize"};
constexpr Names kEye[] = {"dtype", "k"};

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
    {"ConvTranspose", 2, 3, 1, 1, kFloat, kNone, "", kConvTranspose, rules::conv_transpose},
    {"Einsum", 1, -1, 1, 1, kFloat, kNone, "", kEquation, rules::einsum},

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
    {"ReduceSum", 1, 2, 1, 1, kNumber, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceMax", 1, 2, 1, 1, kAny, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceMin", 1, 2, 1, 1, kAny, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceProd", 1, 2, 1, 1, kNumber, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceL1", 1, 2, 1, 1, kNumber, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceL2", 1, 2, 1, 1, kFloat, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceLogSum", 1, 2, 1, 1, kFloat, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceLogSumExp", 1, 2, 1, 1, kFloat, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ReduceSumSquare", 1, 2, 1, 1, kNumber, kNone, "", kReduce, rules::reduce, nullptr, kIn1},
    {"ArgMax", 1, 1, 1, 1, kNumber, kNone, "", kArgReduce, rules::arg_reduce, types::i64},
    {"ArgMin", 1, 1, 1, 1, kNumber, kNone, "", kArgReduce, rules::arg_reduce, types::i64},
    {"TopK", 2, 2, 1, 2, kNumber, kNone, "", kTopK, rules::top_k, types::then_i64, kIn1},
    {"Hardmax", 1, 1, 1, 1, kFloat, kNone, "*->*", kAxis, rules::along_axis},
    {"CumSum", 2, 2, 1, 1, kNumber, kNone, "", kCumulate, rules::cumulate, nullptr, kIn1},
    {"CumProd", 2, 2, 1, 1, kNumber, kNone, "", kCumulate, rules::cumulate, nullptr, kIn1},

    // Layers
    {"BatchNormalization", 5, 5, 1, 1, kFloat, kNone, "nc*,c,c,c,c->nc*", kBatchNorm,
     rules::batch_normalization},
    {"MaxPool", 1, 1, 1, 2, kNumber, kPassThrough, "nc~->nc~", kMaxPool, rules::pool,
     types::then_i64},
    {"AveragePool", 1, 1, 1, 1, kFloat, kAverage, "nc~->nc~", kAveragePool, rules::pool},
    {"GlobalAveragePool", 1, 1, 1, 1, kFloat, kAverage, "nc~->nc~", {}, rules::global_pool},
    {"GlobalMaxPool", 1, 1, 1, 1, kFloat, kPassThrough, "nc~->nc~", {}, rules::global_pool},
    {"LpPool", 1, 1, 1, 1, kFloat, kNone, "nc~->nc~", kLpPool, rules::pool},
    {"LayerNormalization", 2, 3, 1, 3, kFloat, kNone, "", kLayerNorm, rules::layer_normalization},
    {"RMSNormalization", 2, 2, 1, 1, kFloat, kNone, "", kLayerNorm, rules::layer_normalization},
    {"InstanceNormalization", 3, 3, 1, 1, kFloat, kNone, "nc*,c,c->nc*", kEpsilon,
     rules::channel_normalization},
    {"GroupNormalization", 3, 3, 1, 1, kFloat, kNone, "", kGroupNorm, rules::channel_normalization},
    {"LRN", 1, 1, 1, 1, kFloat, kNone, "", kLrn, rules::at_least_2d},
    {"LpNormalization", 1, 1, 1, 1, kFloat, kNone, "", kLpNorm, rules::along_axis},
    {"MeanVarianceNormalization", 1, 1, 1, 1, kFloat, kNone, "", kAxes, rules::normalised_axes},
    {"LSTM", 3, 8, 1, 3, kFloat, kNone, "", kRecurrent, rules::recurrent},
    {"GRU", 3, 6, 1, 2, kFloat, kNone, "", kRecurrent, rules::recurrent},
    {"RNN", 3, 6, 1, 2, kFloat, kNone, "", kRecurrent, rules::recurrent},
    {"Attention", 3, 7, 1, 4, kFloat, kNone, "", kAttention, rules::attention},
    {"RotaryEmbedding", 3, 4, 1, 1, kFloat, kNone, "", kRotary, rules::rotary_embedding},
    {"Resize", 1, 4, 1, 1, kFloat, kNone, "", kResize, rules::resize, nullptr, kIn1 | kIn2 | kIn3},

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
    {"GatherElements", 2, 2, 1, 1, kAny, kNone, "", kAxis, rules::gather_elements},
    {"GatherND", 2, 2, 1, 1, kAny, kNone, "", kBatchDims, rules::gather_nd},
    {"ScatterElements", 3, 3, 1, 1, kAny, kNone, "", kScatter, rules::scatter_elements},
    {"ScatterND", 3, 3, 1, 1, kAny, kNone, "", kReduction, rules::scatter_nd},
    {"Compress", 2, 2, 1, 1, kAny, kNone, "", kAxis, rules::compress, nullptr, kIn1},
    {"ReverseSequence", 2, 2, 1, 1, kAny, kNone, "", kReverse, rules::reverse_sequence},
    {"Trilu", 1, 2, 1, 1, kAny, kNone, "", kUpper, rules::trilu, nullptr, kIn1},
    {"DepthToSpace", 1, 1, 1, 1, kAny, kNone, "", kDepthToSpace, rules::depth_to_space},
    {"SpaceToDepth", 1, 1, 1, 1, kAny, kNone, "", kBlock, rules::space_to_depth},
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
    {"OneHot", 3, 3, 1, 1, kNumber, kNone, "", kAxis, rules::one_hot, types::of_input_2, kIn1},
    {"EyeLike", 1, 1, 1, 1, kAny, kNone, "", kEye, rules::eye_like, types::stated},
    {"NonZero", 1, 1, 1, 1, kAny, kNone, "", {}, rules::non_zero, types::i64, kIn0},
});

// Operators with a row in lib/train's tables, sorted.
constexpr std::string_view kDifferentiable[] = {"Add",
                                                "AveragePool",
                                                "BatchNormalization",
                                                "Clip",
                                                "Concat",
                                                "Constant",
                                                "Conv",
                                                "Div",
                                                "Flatten",
                                                "Gather",
                                                "Gelu",
                                                "Gemm",
                                                "GlobalAveragePool",
                                                "HardSigmoid",
                                                "HardSwish",
                                                "Identity",
                                                "LogSoftmax",
                                                "MatMul",
                                                "MaxPool",
                                                "Mul",
                                                "Pad",
                                                "ReduceMean",
                                                "Relu",
                                                "Reshape",
                                                "Sigmoid",
                                                "Slice",
                                                "Softmax",
                                                "Squeeze",
                                                "Sub",
                                                "Tanh",
                                                "Transpose",
                                                "Unsqueeze"};

}  // namespace

std::span<const OpRow> all_ops() { return kOps; }

const OpRow* find_op(std::string_view name) {
  const auto it = std::ranges::find(kOps, name, &OpRow::name);
  return it == kOps.end() ? nullptr : &*it;
}

bool is_differentiable(const OpRow& row) {
  return std::ranges::binary_search(kDifferentiable, row.name);
}

int weight_output_axis(const Node& node, int weight_rank) {
  const OpRow* row = find_op(node.op);
  if (!row || row->weight_input < 0) return -1;
  if (node.op == "Gemm") return attr_int(node, "transB", 0) != 0 ? 0 : 1;
  return row->weight_output_axis < 0 ? weight_rank - 1 : row->weight_output_axis;
}

}  // namespace pare::ir
