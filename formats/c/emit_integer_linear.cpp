// SPDX-License-Identifier: Apache-2.0
// Conv, Gemm and MatMul on codes, with the parameters that the runtime's own kernels take
// (lib/runtime/kernels/requantize.hpp).
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/grouped_linear.hpp"
#include "lib/runtime/kernels/requantize.hpp"

namespace pare::formats::c {

namespace {

using runtime::IntegerLinear;

// Weights as [out, in...]: a product stored [depth, columns] is turned round.
std::vector<int8_t> by_channel(const runtime::StepSpec& spec, const IntegerLinear& linear) {
  if (spec.node.op == "Conv") return linear.weight;
  const runtime::MatrixProduct g = runtime::matrix_geometry(spec);
  if (g.transposed_b) return linear.weight;
  std::vector<int8_t> out(linear.weight.size());
  for (int64_t k = 0; k < g.depth; ++k) {
    for (int64_t c = 0; c < g.columns; ++c) {
      out[static_cast<size_t>(c * g.depth + k)] =
          linear.weight[static_cast<size_t>(k * g.columns + c)];
    }
  }
  return out;
}

// The runtime accumulates in wrapping i32; C's signed overflow is undefined. No input can make a
// sum, or any part of it, leave i32 when bias and weights times the widest code stay inside.
void check_sums(const runtime::StepSpec& spec, const IntegerLinear& linear,
                std::span<const int8_t> weight) {
  const int64_t widest = std::max(std::abs(int64_t{linear.input_zero}),
                                  std::abs(int64_t{255} - int64_t{linear.input_zero}));
  const size_t channels = linear.bias.size();
  const size_t depth = channels == 0 ? 0 : weight.size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    int64_t sum = std::abs(int64_t{linear.bias[c]});
    for (size_t k = 0; k < depth; ++k) sum += widest * std::abs(int64_t{weight[c * depth + k]});
    if (sum > std::numeric_limits<int32_t>::max()) {
      throw Error(spec.name, "the sums of output channel " + std::to_string(c) +
                                 " may not fit 32 bits: cannot be written as C source");
    }
  }
}

// `bias` and `multiplier`: names of arrays, or "0".
std::string emit_requantize(const Step& step, Source& source, const runtime::Requantize& r,
                            int32_t input_zero, const std::string& bias,
                            const std::string& multiplier) {
  return source.record("requantize", step.name + "_requantize",
                       {{"bias", bias},
                        {"multiplier", multiplier},
                        {"input_zero", literal(input_zero)},
                        {"residual_multiplier", literal(r.residual_multiplier)},
                        {"residual_zero", literal(r.residual_zero)},
                        {"low", literal(r.low)},
                        {"high", literal(r.high)},
                        {"zero", literal(static_cast<int32_t>(r.zero))}},
                       8);
}

// 4-bit weights with a scale a group stay packed.
void emit_groups(const Step& step, Source& source) {
  const runtime::GroupedLinear linear = runtime::grouped_linear(step.spec);
  const std::string bias = source.array(step.name + "_bias", std::span<const float>(linear.bias));
  const std::string weight = emit_packed_weight(step, source);
  const std::string requantize =
      emit_requantize(step, source, linear.output, linear.input_zero, "0", "0");
  source.call(
      linear.output.to_float ? "dense_u8_groups_to_f32" : "dense_u8_groups",
      {literal(runtime::matrix_geometry(step.spec).rows), literal(linear.columns), requantize,
       literal(linear.multiplier), bias, step.in(0), weight, step.residual(), step.out()});
}

}  // namespace

void emit_integer_linear(const Step& step, Source& source) {
  if (runtime::grouped_runs_in_integers(step.spec)) return emit_groups(step, source);
  const IntegerLinear linear = runtime::integer_linear(step.spec);
  const std::vector<int8_t> weights = by_channel(step.spec, linear);
  check_sums(step.spec, linear, weights);
  const std::string weight = source.array(step.name + "_weight", std::span<const int8_t>(weights));
  const std::string bias = source.array(step.name + "_bias", std::span(linear.bias));
  const std::string multiplier =
      source.array(step.name + "_multiplier", std::span<const float>(linear.requantize.multiplier));
  const std::string requantize =
      emit_requantize(step, source, linear.requantize, linear.input_zero, bias, multiplier);
  const char* suffix = linear.requantize.to_float ? "_u8_to_f32" : "_u8";
  if (step.spec.node.op == "Conv") {
    source.call(std::string("conv") + suffix, {emit_window(step, source), requantize, step.in(0),
                                               weight, step.residual(), step.scratch, step.out()});
    return;
  }
  const runtime::MatrixProduct g = runtime::matrix_geometry(step.spec);
  source.call(std::string("dense") + suffix,
              {literal(g.rows), literal(g.depth), literal(g.columns), requantize, step.in(0),
               weight, step.residual(), step.out()});
}

}  // namespace pare::formats::c
