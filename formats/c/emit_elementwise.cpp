// SPDX-License-Identifier: Apache-2.0
// Operators that work value by value, and the conversions between floats and codes.
#include <algorithm>
#include <cmath>

#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/runtime/kernels/scalar_functions.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::formats::c {

namespace {

using runtime::StepSpec;

std::string count_of(const Step& step) { return literal(step.spec.output().count()); }

// The address of operand i, a constant one made an array.
std::string float_operand(const Step& step, Source& source, size_t i) {
  const runtime::Operand& operand = step.spec.inputs.at(i);
  if (!operand.constant) return step.in(i);
  const std::vector<float> values = ir::to_f32(*operand.constant);
  return source.array(step.name + "_constant", std::span<const float>(values));
}

std::string emit_operand_walk(const Step& step, Source& source) {
  const ir::Dims& dims = step.spec.output().dims;
  return emit_walk(step, source, dims, runtime::broadcast_strides(step.spec.input(0).dims, dims),
                   runtime::broadcast_strides(step.spec.input(1).dims, dims));
}

void emit_integer_binary(const Step& step, Source& source) {
  const runtime::BinaryRequantize r = runtime::binary_requantize(step.spec);
  const std::string codes = source.record("binary_codes", step.name + "_parameters",
                                          {{"a_multiplier", literal(r.a_multiplier)},
                                           {"b_multiplier", literal(r.b_multiplier)},
                                           {"a_zero", literal(r.a_zero)},
                                           {"b_zero", literal(r.b_zero)},
                                           {"low", literal(r.low)},
                                           {"high", literal(r.high)},
                                           {"zero", literal(static_cast<int32_t>(r.zero))}},
                                          7);
  const char* function = r.product ? "multiply_codes" : "add_codes";
  source.use(function);
  source.call("binary_u8", {emit_operand_walk(step, source), codes, function, step.in(0),
                            step.in(1), step.out()});
}

const char* float_function(const std::string& op) {
  if (op == "Add") return "add_f32";
  if (op == "Sub") return "subtract_f32";
  if (op == "Mul") return "multiply_f32";
  if (op == "PRelu") return "prelu_f32";
  return "divide_f32";
}

runtime::ScalarFunction function_of(const StepSpec& spec) {
  return spec.node.op == "Clip" ? runtime::clip_function(spec)
                                : runtime::scalar_function(spec.node);
}

// Functions that take nothing but x: a kernel of ours, or one of <math.h>.
struct Mapped {
  std::string_view op;
  const char* function;
  bool ours;
};
constexpr Mapped kMapped[] = {
    {"Abs", "fabsf", false},
    {"Ceil", "ceilf", false},
    {"Cos", "cosf", false},
    {"Erf", "erff", false},
    {"Exp", "expf", false},
    {"Floor", "floorf", false},
    {"HardSwish", "hard_swish", true},
    {"Log", "logf", false},
    {"Mish", "mish", true},
    {"Neg", "negate", true},
    {"Reciprocal", "reciprocal", true},
    {"Sigmoid", "sigmoid", true},
    {"Sin", "sinf", false},
    {"Softplus", "softplus", true},
    {"Softsign", "softsign", true},
    {"Sqrt", "sqrtf", false},
    {"Tan", "tanf", false},
    {"Tanh", "tanhf", false},
    {"Gelu", "gelu", true},
};

// Functions with one parameter.
struct Scaled {
  std::string_view op;
  const char* kernel;
  float alpha;
};
constexpr Scaled kScaled[] = {
    {"LeakyRelu", "leaky_relu_f32", 0.01F}, {"Elu", "elu_f32", 1.0F}, {"Swish", "swish_f32", 1.0F}};

void emit_mapped(const Step& step, Source& source) {
  const std::string& op = step.spec.node.op;
  const auto* scaled = std::ranges::find(kScaled, op, &Scaled::op);
  if (scaled != std::end(kScaled)) {
    const float alpha = ir::attr_float(step.spec.node, "alpha", scaled->alpha);
    return source.call(scaled->kernel, {step.in(0), step.out(), count_of(step), literal(alpha)});
  }
  const auto* mapped = std::ranges::find(kMapped, op, &Mapped::op);
  if (mapped == std::end(kMapped)) {
    throw Error(step.spec.name, "operator " + op + " in floats cannot be written as C source");
  }
  std::string function = mapped->function;
  if (ir::attr_string(step.spec.node, "approximate", "none") == "tanh") function = "gelu_tanh";
  if (mapped->ours) source.use(function);
  source.call("map_f32", {function, step.in(0), step.out(), count_of(step)});
}

void emit_clamp(const Step& step, Source& source) {
  runtime::Clamp clamp{.low = 0.0F};
  if (step.spec.node.op == "Clip") clamp = runtime::clip_bounds(step.spec);
  source.call("clamp_f32",
              {step.in(0), step.out(), count_of(step), literal(clamp.low), literal(clamp.high)});
}

}  // namespace

void emit_binary(const Step& step, Source& source) {
  if (step.spec.integer) return emit_integer_binary(step, source);
  const char* function = float_function(step.spec.node.op);
  source.use(function);
  const std::string a = float_operand(step, source, 0);
  const std::string b = float_operand(step, source, 1);
  source.call("binary_f32",
              {emit_operand_walk(step, source), function, a, b, literal(step.spec.clamp.low),
               literal(step.spec.clamp.high), step.out()});
}

void emit_unary(const Step& step, Source& source) {
  const std::string& op = step.spec.node.op;
  if (step.spec.integer) {
    const auto table = runtime::code_table(step.spec, function_of(step.spec));
    const std::string name = source.array(step.name + "_table", std::span<const uint8_t>(table));
    return source.call("table_u8", {name, step.in(0), step.out(), count_of(step)});
  }
  if (op == "Relu" || op == "Clip") return emit_clamp(step, source);
  if (op == "HardSigmoid") {
    return source.call("hard_sigmoid_f32", {step.in(0), step.out(), count_of(step),
                                            literal(ir::attr_float(step.spec.node, "alpha", 0.2F)),
                                            literal(ir::attr_float(step.spec.node, "beta", 0.5F))});
  }
  emit_mapped(step, source);
}

void emit_batch_norm(const Step& step, Source& source) {
  std::vector<std::vector<float>> parameters;  // scale, bias, mean, variance
  for (int i = 1; i < 5; ++i) {
    if (!step.spec.input(i).constant) {
      throw Error(step.spec.name, "parameters that are not constant cannot be written as C source");
    }
    parameters.push_back(ir::to_f32(*step.spec.input(i).constant));
  }
  const float epsilon = ir::attr_float(step.spec.node, "epsilon", 1e-5F);
  std::vector<float> scale = parameters[0];
  for (size_t c = 0; c < scale.size(); ++c) scale[c] /= std::sqrt(parameters[3].at(c) + epsilon);
  const ir::Dims& dims = step.spec.output().dims;
  const int64_t channels = dims.size() < 2 ? 1 : dims[1];
  const int64_t batch = dims.empty() ? 1 : dims[0];
  source.call(
      "batch_norm_f32",
      {literal(batch), literal(channels), literal(step.spec.output().count() / (batch * channels)),
       source.array(step.name + "_mean", std::span<const float>(parameters[2])),
       source.array(step.name + "_scale", std::span<const float>(scale)),
       source.array(step.name + "_bias", std::span<const float>(parameters[1])), step.in(0),
       step.out()});
}

void emit_quantize(const Step& step, Source& source) {
  const ir::ActivationQuant& quant = *step.spec.output().quant;
  source.call("quantize", {step.in(0), step.out(), count_of(step), literal(quant.scale),
                           literal(quant.zero_point)});
}

void emit_dequantize(const Step& step, Source& source) {
  const ir::ActivationQuant& quant = *step.spec.input(0).quant;
  source.call("dequantize", {step.in(0), step.out(), count_of(step), literal(quant.scale),
                             literal(quant.zero_point)});
}

}  // namespace pare::formats::c
