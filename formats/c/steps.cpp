// SPDX-License-Identifier: Apache-2.0
#include "formats/c/steps.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "lib/core/error.hpp"

namespace pare::formats::c {

namespace {

void emit_linear(const Step& step, Source& source) {
  return step.spec.integer ? emit_integer_linear(step, source) : emit_float_linear(step, source);
}

struct Row {
  std::string_view op;  // an ONNX operator, or Quantize, Dequantize
  bool rounds;          // in floats; codes are exact by definition
  void (*emit)(const Step&, Source&);
};

constexpr std::array kRows = {
    Row{"Conv", true, emit_linear},
    Row{"Gemm", true, emit_linear},
    Row{"MatMul", true, emit_linear},
    Row{"Add", true, emit_binary},
    Row{"Sub", true, emit_binary},
    Row{"Mul", true, emit_binary},
    Row{"Div", true, emit_binary},
    Row{"PRelu", true, emit_binary},
    Row{"Abs", false, emit_unary},
    Row{"Ceil", false, emit_unary},
    Row{"Celu", true, emit_unary},
    Row{"Clip", false, emit_unary},
    Row{"Cos", true, emit_unary},
    Row{"Elu", true, emit_unary},
    Row{"Erf", true, emit_unary},
    Row{"Exp", true, emit_unary},
    Row{"Floor", false, emit_unary},
    Row{"Gelu", true, emit_unary},
    Row{"HardSigmoid", true, emit_unary},
    Row{"HardSwish", true, emit_unary},
    Row{"LeakyRelu", true, emit_unary},
    Row{"Log", true, emit_unary},
    Row{"Mish", true, emit_unary},
    Row{"Neg", false, emit_unary},
    Row{"Reciprocal", true, emit_unary},
    Row{"Relu", false, emit_unary},
    Row{"Selu", true, emit_unary},
    Row{"Sigmoid", true, emit_unary},
    Row{"Sin", true, emit_unary},
    Row{"Softplus", true, emit_unary},
    Row{"Softsign", true, emit_unary},
    Row{"Sqrt", true, emit_unary},
    Row{"Swish", true, emit_unary},
    Row{"Tan", true, emit_unary},
    Row{"Tanh", true, emit_unary},
    Row{"ThresholdedRelu", false, emit_unary},
    Row{"BatchNormalization", true, emit_batch_norm},
    Row{"MaxPool", false, emit_pool},
    Row{"AveragePool", true, emit_pool},
    Row{"GlobalAveragePool", true, emit_mean},
    Row{"ReduceMean", true, emit_mean},
    Row{"Softmax", true, emit_softmax},
    Row{"LogSoftmax", true, emit_softmax},
    Row{"Transpose", false, emit_transpose},
    Row{"Slice", false, emit_slice},
    Row{"Split", false, emit_split},
    Row{"Concat", false, emit_concat},
    Row{"Pad", false, emit_pad},
    Row{"Quantize", false, emit_quantize},
    Row{"Dequantize", false, emit_dequantize},
};

const Row& row_of(const runtime::StepSpec& spec) {
  const auto row = std::ranges::find(kRows, spec.node.op, &Row::op);
  if (row == kRows.end()) {
    throw Error(spec.name, "operator " + spec.node.op + " cannot be written as C source");
  }
  return *row;
}

// Sizes and indices are int32_t in the generated code.
void check_operand(const runtime::StepSpec& spec, const runtime::Operand& operand) {
  if (!operand.present || operand.constant) return;
  if (!operand.quant && operand.dtype != ir::DType::kF32) {
    throw Error(spec.name, spec.node.op + " of " + std::string(ir::name_of(operand.dtype)) +
                               " values cannot be written as C source");
  }
  if (operand.count() == 0) {
    throw Error(spec.name, "works on no values: cannot be written as C source");
  }
  if (operand.count() > std::numeric_limits<int32_t>::max() / 4) {
    throw Error(spec.name, "has too many values for C source");
  }
}

}  // namespace

void emit(const Step& step, Source& source) {
  const Row& row = row_of(step.spec);
  for (const runtime::Operand& operand : step.spec.inputs) check_operand(step.spec, operand);
  for (const runtime::Operand& operand : step.spec.outputs) check_operand(step.spec, operand);
  source.remark(step.spec.name + ": " + step.spec.node.op + " to " +
                ir::to_string(step.spec.output().dims) +
                (step.spec.output().quant ? " codes" : ""));
  row.emit(step, source);
}

int64_t row_scratch(const runtime::StepSpec& spec) {
  const std::string& op = spec.node.op;
  const int64_t sums = op == "Conv" ? spec.output().dims.back() : 0;
  const bool linear = op == "Conv" || op == "Gemm" || op == "MatMul";
  return sums + (linear && !spec.integer ? packed_row(spec) : 0);
}

bool rounds(const runtime::StepSpec& spec) { return !spec.integer && row_of(spec).rounds; }

}  // namespace pare::formats::c
