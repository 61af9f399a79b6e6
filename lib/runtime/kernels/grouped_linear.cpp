// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/grouped_linear.hpp"

#include "lib/core/error.hpp"
#include "lib/runtime/kernels/geometry.hpp"

namespace pare::runtime {

namespace {

// So that a group's sum stays inside i32 on every way to it: products of codes are at most 255 * 15
// before the zeros of both are taken away.
constexpr int64_t kLongestGroup = 1 << 19;

bool weight_allows(const Operand& weight) {
  if (!weight.constant || !weight.constant->is_quantized() || weight.dims.size() != 2) return false;
  const ir::QuantScheme& scheme = *weight.constant->scheme();
  return scheme.code == ir::DType::kI4 && scheme.symmetric && !scheme.codebook &&
         scheme.axis == 0 && scheme.group_size > 0 && scheme.super_group == 0 &&
         std::min(scheme.group_size, weight.dims[1]) <= kLongestGroup;
}

bool bias_allows(const StepSpec& step, int64_t columns) {
  if (!step.has_input(2)) return true;
  const Operand& bias = step.input(2);
  return bias.constant && (bias.count() == 1 || bias.count() == columns);
}

}  // namespace

bool grouped_runs_in_integers(const StepSpec& step) {
  if (step.node.op != "Gemm" || !step.input(0).quant || !weight_allows(step.input(1))) return false;
  if (step.residual() != nullptr && !step.residual()->quant) return false;
  const MatrixProduct g = matrix_geometry(step);
  return g.transposed_b && !g.transposed_a && g.alpha == 1.0F && g.beta == 1.0F &&
         bias_allows(step, g.columns);
}

GroupedLinear grouped_linear(const StepSpec& step) {
  require(grouped_runs_in_integers(step), "grouped integer kernel made for another step");
  const ir::Tensor& weight = *step.input(1).constant;
  const MatrixProduct g = matrix_geometry(step);
  const ir::GroupGeometry groups = ir::groups_of(weight.dims(), *weight.scheme());
  const std::vector<int32_t> codes = ir::to_codes(weight);
  GroupedLinear out;
  out.weight.assign(codes.begin(), codes.end());
  out.scales = ir::to_f32(*weight.part(ir::Part::kScales));
  out.depth = g.depth;
  out.columns = g.columns;
  out.group_size = std::min(groups.group_size, std::max<int64_t>(g.depth, 1));
  out.groups = groups.groups_per_row;
  out.input_zero = step.input(0).quant->zero_point;
  const float out_scale = step.output().quant ? step.output().quant->scale : 1.0F;
  out.multiplier = step.input(0).quant->scale / out_scale;
  if (step.has_input(2)) out.bias = ir::to_f32(*step.input(2).constant);
  out.bias.resize(static_cast<size_t>(g.columns), out.bias.empty() ? 0.0F : out.bias.front());
  for (float& b : out.bias) b = b / out_scale;
  out.output = output_of(step);
  return out;
}

}  // namespace pare::runtime
