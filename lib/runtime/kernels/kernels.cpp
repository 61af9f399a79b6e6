// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/kernels.hpp"

#include <algorithm>
#include <array>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/kernels/onednn/onednn.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime {

namespace {

constexpr KernelChoice kReference = KernelChoice::kReference;
constexpr RowLayout kPlain = RowLayout::kPlain;
constexpr RowLayout kSame = RowLayout::kSame;

constexpr KernelChoice kOwn = KernelChoice::kOwn;
constexpr RowLayout kNhwc = RowLayout::kNhwc;

constexpr KernelChoice kOneDnn = KernelChoice::kFastest;

constexpr std::array kRows = {
    KernelRow{"Gemm", kOwn, kPlain, own::supports_sparse_product, own::make_sparse_product},
    // Before oneDNN, which would need the weights dequantized.
    KernelRow{"Gemm", kOwn, kPlain, own::supports_packed_product, own::make_packed_product},
    KernelRow{"Conv", kOneDnn, kNhwc, onednn::supports_conv, onednn::make_conv},
    KernelRow{"Gemm", kOneDnn, kPlain, onednn::supports_product, onednn::make_product},
    KernelRow{"MatMul", kOneDnn, kPlain, onednn::supports_product, onednn::make_product},
    KernelRow{"Conv", kOwn, kNhwc, own::supports_integer_depthwise, own::make_integer_depthwise},
    KernelRow{"Conv", kOwn, kNhwc, own::supports_integer_conv, own::make_integer_conv},
    KernelRow{"Gemm", kOwn, kPlain, own::supports_integer_product, own::make_integer_product},
    KernelRow{"MatMul", kOwn, kPlain, own::supports_integer_product, own::make_integer_product},
    KernelRow{"Add", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Sub", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Mul", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Div", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Relu", kOwn, kSame, own::supports_flat_clamp, own::make_flat_clamp},
    KernelRow{"Clip", kOwn, kSame, own::supports_flat_clamp, own::make_flat_clamp},
    KernelRow{"Quantize", kOwn, kSame, own::supports_flat_quantize, own::make_quantize},
    KernelRow{"Dequantize", kOwn, kSame, own::supports_flat_dequantize, own::make_dequantize},
    KernelRow{"Reorder", kOwn, kSame, own::supports_reorder, own::make_reorder},
    KernelRow{"BatchNormalization", kOwn, kNhwc, own::supports_image_batch_norm,
              own::make_batch_norm},
    KernelRow{"MaxPool", kOwn, kNhwc, own::supports_image_pool, own::make_max_pool},
    KernelRow{"AveragePool", kOwn, kNhwc, own::supports_image_pool, own::make_average_pool},
    KernelRow{"GlobalAveragePool", kOwn, kNhwc, own::supports_image, own::make_global_average_pool},
    KernelRow{"Conv", kReference, kPlain, nullptr, reference::make_conv},
    KernelRow{"Gemm", kReference, kPlain, nullptr, reference::make_matrix_product},
    KernelRow{"MatMul", kReference, kPlain, nullptr, reference::make_matrix_product},
    KernelRow{"Add", kReference, kSame, nullptr, reference::make_binary},
    KernelRow{"Sub", kReference, kSame, nullptr, reference::make_binary},
    KernelRow{"Mul", kReference, kSame, nullptr, reference::make_binary},
    KernelRow{"Div", kReference, kSame, nullptr, reference::make_binary},
    KernelRow{"Relu", kReference, kSame, nullptr, reference::make_unary},
    KernelRow{"Sigmoid", kReference, kSame, nullptr, reference::make_unary},
    KernelRow{"HardSwish", kReference, kSame, nullptr, reference::make_unary},
    KernelRow{"HardSigmoid", kReference, kSame, nullptr, reference::make_unary},
    KernelRow{"Gelu", kReference, kSame, nullptr, reference::make_unary},
    KernelRow{"Tanh", kReference, kSame, nullptr, reference::make_unary},
    KernelRow{"Clip", kReference, kSame, nullptr, reference::make_clip},
    KernelRow{"BatchNormalization", kReference, kPlain, nullptr, reference::make_batch_norm},
    KernelRow{"MaxPool", kReference, kPlain, nullptr, reference::make_max_pool},
    KernelRow{"AveragePool", kReference, kPlain, nullptr, reference::make_average_pool},
    KernelRow{"GlobalAveragePool", kReference, kPlain, nullptr,
              reference::make_global_average_pool},
    KernelRow{"ReduceMean", kReference, kPlain, nullptr, reference::make_reduce_mean},
    KernelRow{"Softmax", kReference, kPlain, nullptr, reference::make_softmax},
    KernelRow{"LogSoftmax", kReference, kPlain, nullptr, reference::make_softmax},
    KernelRow{"Identity", kReference, kSame, nullptr, reference::make_copy},
    KernelRow{"Reshape", kReference, kPlain, nullptr, reference::make_copy},
    KernelRow{"Flatten", kReference, kPlain, nullptr, reference::make_copy},
    KernelRow{"Squeeze", kReference, kPlain, nullptr, reference::make_copy},
    KernelRow{"Unsqueeze", kReference, kPlain, nullptr, reference::make_copy},
    KernelRow{"Transpose", kReference, kPlain, nullptr, reference::make_transpose},
    KernelRow{"Concat", kReference, kPlain, nullptr, reference::make_concat},
    KernelRow{"Slice", kReference, kPlain, nullptr, reference::make_slice},
    KernelRow{"Pad", kReference, kPlain, nullptr, reference::make_pad},
    KernelRow{"Gather", kReference, kPlain, nullptr, reference::make_gather},
    KernelRow{"Quantize", kReference, kSame, nullptr, reference::make_quantize},
    KernelRow{"Dequantize", kReference, kSame, nullptr, reference::make_dequantize},
    KernelRow{"Reorder", kReference, kPlain, nullptr, reference::make_reorder},
};

}  // namespace

std::span<const KernelRow> kernel_rows() { return kRows; }

const KernelRow& select_row(const StepSpec& step, KernelChoice choice) {
  for (const KernelRow& row : kRows) {
    if (row.op != step.node.op || row.kind < choice) continue;
    if (row.supports == nullptr || row.supports(step)) return row;
  }
  throw Error(step.name, "operator " + step.node.op + " has no kernel");
}

bool runs_in_integers(const StepSpec& step) {
  const ir::OpRow* op = ir::find_op(step.node.op);
  if (op == nullptr || op->integer == ir::IntegerRule::kNone || step.inputs.empty()) return false;
  if (op->integer == ir::IntegerRule::kLinear) return linear_runs_in_integers(step);
  const auto& in = step.input(0).quant;
  const auto& out = step.output().quant;
  if (!in || !out) return false;
  if (op->integer == ir::IntegerRule::kPassThrough) return *in == *out;
  if (op->integer != ir::IntegerRule::kElementwise) return true;
  if (step.node.op == "Div") return false;  // codes of a quotient have no useful integer form
  if (ir::find_op(step.node.op)->max_inputs == 1 || step.node.op == "Clip") return true;
  return std::all_of(step.inputs.begin(), step.inputs.end(),
                     [](const Operand& operand) { return operand.quant && !operand.constant; });
}

}  // namespace pare::runtime
