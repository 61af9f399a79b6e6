// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/kernels.hpp"

#include <algorithm>
#include <array>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/kernels/grouped_linear.hpp"
#include "lib/runtime/kernels/onednn/onednn.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime {

namespace {

constexpr RowLayout kPlain = RowLayout::kPlain;
constexpr RowLayout kSame = RowLayout::kSame;

constexpr KernelChoice kOwn = KernelChoice::kOwn;
constexpr RowLayout kNhwc = RowLayout::kNhwc;
constexpr RowLayout kAsInput = RowLayout::kAsInput;
constexpr RowLayout kNhwcAnyInput = RowLayout::kNhwcAnyInput;

constexpr KernelChoice kOneDnn = KernelChoice::kFastest;
// Ours, but not by the definition, which kOwn rows stand for.
constexpr KernelChoice kFiltering = KernelChoice::kFastest;

constexpr std::array kRows = {
    // 4-bit weights on activation codes: no other row keeps a scale a group.
    KernelRow{"Gemm", kOwn, kPlain, own::supports_group_product, own::make_group_product},
    KernelRow{"Gemm", kOwn, kPlain, own::supports_sparse_product, own::make_sparse_product},
    // Before oneDNN, which would need the weights dequantized.
    KernelRow{"Gemm", kOwn, kPlain, own::supports_packed_product, own::make_packed_product},
    // A few channels of a plain image: ours reads it as it is, oneDNN would have it reordered
    // first; of one channel ours takes 0.7 of oneDNN's time.
    KernelRow{"Conv", kOwn, kNhwcAnyInput, own::supports_image_conv, own::make_conv},
    KernelRow{"Conv", kOwn, kNhwc, own::supports_depthwise, own::make_depthwise},
    // A projection at a stride skips most pixels: ours leaves them where they are, in 0.6 (one
    // item) to 0.8 (32) of oneDNN's time.
    KernelRow{"Conv", kOwn, kNhwc, own::supports_strided_pointwise, own::make_conv},
    // 16 multiplications instead of 36: 0.55 (128 channels) to 0.85 (16) of the time of a
    // convolution by the definition, oneDNN's or ours.
    KernelRow{"Conv", kFiltering, kNhwc, own::supports_winograd, own::make_winograd},
    KernelRow{"Conv", kOneDnn, kNhwc, onednn::supports_conv, onednn::make_conv},
    KernelRow{"Conv", kOwn, kNhwcAnyInput, own::supports_conv, own::make_conv},
    // Not oneDNN's, which adds the bias last: a row would have other bits in a batch than alone. Of
    // its time ours takes 0.8 (8 rows of 784 x 768), as long (32) or 1.1 (from 128 on).
    KernelRow{"Gemm", kOwn, kPlain, own::supports_row_product, own::make_row_product},
    KernelRow{"MatMul", kOwn, kPlain, own::supports_row_product, own::make_row_product},
    KernelRow{"Gemm", kOwn, kPlain, own::supports_product, own::make_product},
    KernelRow{"MatMul", kOwn, kPlain, own::supports_product, own::make_product},
    KernelRow{"Add", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Sub", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Mul", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Div", kOwn, kSame, own::supports_flat_binary, own::make_flat_binary},
    KernelRow{"Relu", kOwn, kSame, own::supports_flat_clamp, own::make_flat_clamp},
    KernelRow{"Clip", kOwn, kSame, own::supports_flat_clamp, own::make_flat_clamp},
    KernelRow{"Slice", kOwn, kAsInput, own::supports_slice, own::make_slice},
    KernelRow{"Pad", kOwn, kAsInput, own::supports_constant_pad, own::make_constant_pad},
    KernelRow{"Concat", kOwn, kAsInput, own::supports_concat, own::make_concat},
    KernelRow{"Quantize", kOwn, kSame, own::supports_flat_quantize, own::make_quantize},
    KernelRow{"Dequantize", kOwn, kSame, own::supports_flat_dequantize, own::make_dequantize},
    KernelRow{"Reorder", kOwn, kSame, own::supports_reorder, own::make_reorder},
    KernelRow{"BatchNormalization", kOwn, kNhwc, own::supports_image_batch_norm,
              own::make_batch_norm},
    KernelRow{"MaxPool", kOwn, kNhwc, own::supports_image_pool, own::make_max_pool},
    KernelRow{"AveragePool", kOwn, kNhwc, own::supports_image_pool, own::make_average_pool},
    KernelRow{"GlobalAveragePool", kOwn, kNhwc, own::supports_image, own::make_global_average_pool},
};

// Fast rows take and give floats or codes; constants may be parameters of other types.
bool is_plain_arithmetic(const StepSpec& step) {
  const auto real = [](const Operand& operand) {
    return !operand.present || operand.quant || operand.dtype == ir::DType::kF32 ||
           (operand.constant && operand.dtype == ir::DType::kI64);
  };
  return step.outputs.size() == 1 && std::ranges::all_of(step.inputs, real) &&
         std::ranges::all_of(step.outputs, real);
}

}  // namespace

const KernelRow& select_row(const StepSpec& step, KernelChoice choice) {
  if (choice != KernelChoice::kReference && is_plain_arithmetic(step)) {
    for (const KernelRow& row : kRows) {
      if (row.op == step.node.op && row.kind >= choice && row.supports(step)) return row;
    }
  }
  for (const KernelRow& row : reference::rows()) {
    if (row.op == step.node.op) return row;
  }
  throw Error(step.name, "operator " + step.node.op + " has no kernel");
}

bool runs_in_integers(const StepSpec& step) {
  const ir::OpRow* op = ir::find_op(step.node.op);
  if (op == nullptr || op->integer == ir::IntegerRule::kNone || step.inputs.empty()) return false;
  if (op->integer == ir::IntegerRule::kLinear) {
    return linear_runs_in_integers(step) || grouped_runs_in_integers(step);
  }
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
