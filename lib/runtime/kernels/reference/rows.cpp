// SPDX-License-Identifier: Apache-2.0
// The reference kernel of every operator of the table.
#include "lib/runtime/kernels/reference/reference.hpp"

namespace pare::runtime::reference {

namespace {

constexpr KernelRow plain(std::string_view op, Kernel (*make)(const StepSpec&)) {
  return {op, KernelChoice::kReference, RowLayout::kPlain, nullptr, make};
}
// Element by element: any layout.
constexpr KernelRow flat(std::string_view op, Kernel (*make)(const StepSpec&)) {
  return {op, KernelChoice::kReference, RowLayout::kSame, nullptr, make};
}

constexpr std::array kRows = {
    plain("Conv", make_conv),
    plain("Gemm", make_matrix_product),
    plain("MatMul", make_matrix_product),

    flat("Add", make_binary),
    flat("Sub", make_binary),
    flat("Mul", make_binary),
    flat("Div", make_binary),
    flat("Mod", make_binary),
    flat("Pow", make_power),
    flat("Min", make_variadic),
    flat("Max", make_variadic),
    flat("Sum", make_variadic),
    flat("Mean", make_variadic),
    flat("PRelu", make_binary),
    flat("BitShift", make_bit_shift),
    flat("BitwiseAnd", make_binary),
    flat("BitwiseOr", make_binary),
    flat("BitwiseXor", make_binary),
    flat("BitwiseNot", make_unary),

    flat("Equal", make_comparison),
    flat("Less", make_comparison),
    flat("LessOrEqual", make_comparison),
    flat("Greater", make_comparison),
    flat("GreaterOrEqual", make_comparison),
    flat("And", make_logic),
    flat("Or", make_logic),
    flat("Xor", make_logic),
    flat("Not", make_not),
    flat("IsNaN", make_is_nan),
    flat("IsInf", make_is_inf),
    flat("Where", make_where),

    flat("Abs", make_unary),
    flat("Neg", make_unary),
    flat("Sign", make_unary),
    flat("Relu", make_unary),
    flat("Clip", make_clip),
    flat("Floor", make_unary),
    flat("Ceil", make_unary),
    flat("Round", make_unary),
    flat("Sqrt", make_unary),
    flat("Reciprocal", make_unary),
    flat("Exp", make_unary),
    flat("Log", make_unary),
    flat("Erf", make_unary),
    flat("Sin", make_unary),
    flat("Cos", make_unary),
    flat("Tan", make_unary),
    flat("Asin", make_unary),
    flat("Acos", make_unary),
    flat("Atan", make_unary),
    flat("Sinh", make_unary),
    flat("Cosh", make_unary),
    flat("Tanh", make_unary),
    flat("Asinh", make_unary),
    flat("Acosh", make_unary),
    flat("Atanh", make_unary),
    flat("Sigmoid", make_unary),
    flat("HardSigmoid", make_unary),
    flat("HardSwish", make_unary),
    flat("Swish", make_unary),
    flat("Mish", make_unary),
    flat("Gelu", make_unary),
    flat("Elu", make_unary),
    flat("Celu", make_unary),
    flat("Selu", make_unary),
    flat("LeakyRelu", make_unary),
    flat("ThresholdedRelu", make_unary),
    flat("Shrink", make_unary),
    flat("Softplus", make_unary),
    flat("Softsign", make_unary),
    flat("Cast", make_cast),

    plain("Softmax", make_softmax),
    plain("LogSoftmax", make_softmax),
    plain("ReduceMean", make_reduce_mean),

    plain("BatchNormalization", make_batch_norm),
    plain("MaxPool", make_max_pool),
    plain("AveragePool", make_average_pool),
    plain("GlobalAveragePool", make_global_average_pool),

    plain("Flatten", make_copy),
    plain("Reshape", make_copy),
    plain("Transpose", make_transpose),
    plain("Concat", make_concat),
    plain("Split", make_split),
    plain("Slice", make_slice),
    plain("Pad", make_pad),
    plain("Squeeze", make_copy),
    plain("Unsqueeze", make_copy),
    plain("Gather", make_gather),
    plain("Expand", make_expand),
    plain("Tile", make_tile),
    flat("Identity", make_copy),

    plain("Constant", make_constant),
    plain("ConstantOfShape", make_constant_of_shape),
    plain("Shape", make_shape),
    plain("Size", make_size),
    plain("Range", make_range),

    flat("Quantize", make_quantize),
    flat("Dequantize", make_dequantize),
    plain("Reorder", make_reorder),
};

}  // namespace

std::span<const KernelRow> rows() { return kRows; }

}  // namespace pare::runtime::reference
