// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/requantize.hpp"

#include "lib/core/error.hpp"

namespace pare::runtime {

namespace {

int64_t output_channels(const StepSpec& step) {
  const ir::Dims& out = step.output().dims;
  return step.node.op == "Conv" ? out.at(1) : out.back();
}

int channel_axis(const StepSpec& step) {
  if (step.node.op == "Conv") return 0;
  if (step.node.op == "Gemm" && ir::attr_int(step.node, "transB", 0) != 0) return 0;
  return 1;
}

bool weight_allows(const StepSpec& step) {
  const Operand& weight = step.input(1);
  if (!weight.constant || !weight.constant->is_quantized()) return false;
  const ir::QuantScheme& scheme = *weight.constant->scheme();
  const bool code = scheme.code == ir::DType::kI8 || scheme.code == ir::DType::kI4;
  return code && scheme.symmetric && !scheme.codebook && scheme.group_size == 0 &&
         scheme.super_group == 0 && (scheme.axis == -1 || scheme.axis == channel_axis(step));
}

bool bias_allows(const StepSpec& step) {
  if (!step.has_input(2)) return true;
  const Operand& bias = step.input(2);
  return bias.constant && bias.count() == output_channels(step);
}

std::vector<float> scales_of(const ir::Tensor& weight, int64_t channels) {
  std::vector<float> scales = ir::to_f32(*weight.part(ir::Part::kScales));
  if (scales.size() == 1) scales.assign(static_cast<size_t>(channels), scales.front());
  return scales;
}

// i32 codes with scale s_a * s_w[c]; a float bias is rounded to them.
std::vector<int32_t> bias_codes(const StepSpec& step, const std::vector<float>& product) {
  if (!step.has_input(2)) return std::vector<int32_t>(product.size(), 0);
  const ir::Tensor& bias = *step.input(2).constant;
  if (bias.is_quantized() && bias.scheme()->code == ir::DType::kI32) return ir::to_codes(bias);
  const std::vector<float> values = ir::to_f32(bias);
  std::vector<int32_t> codes(values.size());
  for (size_t c = 0; c < values.size(); ++c) {
    const double code = product[c] > 0.0F ? static_cast<double>(values[c]) / product[c] : 0.0;
    codes[c] = static_cast<int32_t>(std::clamp(std::nearbyint(code), -2147483648.0, 2147483647.0));
  }
  return codes;
}

}  // namespace

bool linear_runs_in_integers(const StepSpec& step) {
  if (!step.input(0).quant || !weight_allows(step) || !bias_allows(step)) return false;
  if (step.residual() != nullptr && !step.residual()->quant) return false;
  if (step.node.op != "Gemm") return step.node.op == "Conv" || step.input(1).dims.size() == 2;
  return ir::attr_int(step.node, "transA", 0) == 0 &&
         ir::attr_float(step.node, "alpha", 1.0F) == 1.0F &&
         ir::attr_float(step.node, "beta", 1.0F) == 1.0F;
}

Requantize output_of(const StepSpec& step) {
  Requantize r;
  r.to_float = !step.output().quant;
  const float out_scale = r.to_float ? 1.0F : step.output().quant->scale;
  r.zero = r.to_float ? 0.0F : static_cast<float>(step.output().quant->zero_point);
  r.low = step.clamp.low / out_scale;
  r.high = step.clamp.high / out_scale;
  if (const Operand* residual = step.residual()) {
    r.residual_multiplier = residual->quant->scale / out_scale;
    r.residual_zero = residual->quant->zero_point;
  }
  return r;
}

IntegerLinear integer_linear(const StepSpec& step) {
  require(linear_runs_in_integers(step), "integer kernel made for a float step");
  const ir::Tensor& weight = *step.input(1).constant;
  const std::vector<int32_t> codes = ir::to_codes(weight);
  const std::vector<float> scales = scales_of(weight, output_channels(step));
  const ir::ActivationQuant& in = *step.input(0).quant;

  IntegerLinear out;
  out.weight.assign(codes.begin(), codes.end());
  out.input_zero = in.zero_point;
  std::vector<float> product(scales.size());
  for (size_t c = 0; c < scales.size(); ++c) product[c] = in.scale * scales[c];
  out.bias = bias_codes(step, product);

  out.requantize = output_of(step);
  if (!out.requantize.to_float) {
    for (float& p : product) p = p / step.output().quant->scale;
  }
  out.requantize.multiplier = std::move(product);
  return out;
}

}  // namespace pare::runtime
