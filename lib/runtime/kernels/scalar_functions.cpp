// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/scalar_functions.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"

namespace pare::runtime {

namespace {

float clamp01(float x) { return x < 0.0F ? 0.0F : x > 1.0F ? 1.0F : x; }

// log(1 + exp(x)) without overflow.
float softplus(float x) { return std::max(x, 0.0F) + std::log1p(std::exp(-std::fabs(x))); }

float clip_bound(const StepSpec& step, int input, const char* attribute, float absent) {
  if (!step.has_input(input)) return ir::attr_float(step.node, attribute, absent);
  const Operand& operand = step.input(input);
  if (!operand.constant || operand.constant->count() != 1) {
    throw Error(step.name, "the bounds of Clip must be constant scalars");
  }
  return ir::to_f32(*operand.constant).front();
}

ScalarFunction gelu(const ir::Node& node) {
  if (ir::attr_string(node, "approximate", "none") == "tanh") {
    return [](float x) {
      const double u = 0.7978845608028654 * (x + 0.044715 * x * x * x);  // sqrt(2/pi)
      return static_cast<float>(0.5 * x * (1.0 + std::tanh(u)));
    };
  }
  return [](float x) {
    return static_cast<float>(0.5 * x * (1.0 + std::erf(x * 0.7071067811865476)));  // x / sqrt(2)
  };
}

struct Named {
  std::string_view op;
  float (*function)(float);
};
constexpr Named kFunctions[] = {
    {"Abs", [](float x) { return std::fabs(x); }},
    {"Neg", [](float x) { return -x; }},
    {"Sign", [](float x) { return x > 0   ? 1.0F
                                  : x < 0 ? -1.0F
                                          : x; }},
    {"Relu", [](float x) { return x < 0.0F ? 0.0F : x; }},
    {"Floor", [](float x) { return std::floor(x); }},
    {"Ceil", [](float x) { return std::ceil(x); }},
    {"Round", [](float x) { return std::nearbyint(x); }},  // halves to even
    {"Sqrt", [](float x) { return std::sqrt(x); }},
    {"Reciprocal", [](float x) { return 1.0F / x; }},
    {"Exp", [](float x) { return std::exp(x); }},
    {"Log", [](float x) { return std::log(x); }},
    {"Erf", [](float x) { return std::erf(x); }},
    {"Sin", [](float x) { return std::sin(x); }},
    {"Cos", [](float x) { return std::cos(x); }},
    {"Tan", [](float x) { return std::tan(x); }},
    {"Asin", [](float x) { return std::asin(x); }},
    {"Acos", [](float x) { return std::acos(x); }},
    {"Atan", [](float x) { return std::atan(x); }},
    {"Sinh", [](float x) { return std::sinh(x); }},
    {"Cosh", [](float x) { return std::cosh(x); }},
    {"Tanh", [](float x) { return std::tanh(x); }},
    {"Asinh", [](float x) { return std::asinh(x); }},
    {"Acosh", [](float x) { return std::acosh(x); }},
    {"Atanh", [](float x) { return std::atanh(x); }},
    {"Sigmoid", [](float x) { return 1.0F / (1.0F + std::exp(-x)); }},
    {"HardSwish", [](float x) { return x * clamp01(x * (1.0F / 6.0F) + 0.5F); }},
    {"Mish", [](float x) { return x * std::tanh(softplus(x)); }},
    {"Softplus", softplus},
    {"Softsign", [](float x) { return x / (1.0F + std::fabs(x)); }},
};

struct Parametric {
  std::string_view op;
  ScalarFunction (*make)(const ir::Node&);
};
constexpr Parametric kParametric[] = {
    {"Gelu", gelu},
    {"HardSigmoid",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 0.2F);
       const float beta = ir::attr_float(node, "beta", 0.5F);
       return [=](float x) { return clamp01(alpha * x + beta); };
     }},
    {"Swish",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 1.0F);
       return [=](float x) { return x / (1.0F + std::exp(-alpha * x)); };
     }},
    {"Elu",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 1.0F);
       return [=](float x) { return x < 0 ? alpha * std::expm1(x) : x; };
     }},
    {"Celu",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 1.0F);
       return [=](float x) { return x < 0 ? alpha * std::expm1(x / alpha) : x; };
     }},
    {"Selu",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 1.6732632423543772F);
       const float gamma = ir::attr_float(node, "gamma", 1.0507009873554805F);
       return [=](float x) { return gamma * (x > 0 ? x : alpha * std::expm1(x)); };
     }},
    {"LeakyRelu",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 0.01F);
       return [=](float x) { return x < 0 ? alpha * x : x; };
     }},
    {"ThresholdedRelu",
     [](const ir::Node& node) -> ScalarFunction {
       const float alpha = ir::attr_float(node, "alpha", 1.0F);
       return [=](float x) { return x > alpha ? x : 0.0F; };
     }},
    {"Shrink",
     [](const ir::Node& node) -> ScalarFunction {
       const float bias = ir::attr_float(node, "bias", 0.0F);
       const float lambd = ir::attr_float(node, "lambd", 0.5F);
       return [=](float x) { return x < -lambd ? x + bias : x > lambd ? x - bias : 0.0F; };
     }},
};

}  // namespace

ScalarFunction scalar_function(const ir::Node& node) {
  for (const Named& row : kFunctions) {
    if (row.op == node.op) return row.function;
  }
  for (const Parametric& row : kParametric) {
    if (row.op == node.op) return row.make(node);
  }
  throw Bug("no scalar function for " + node.op);
}

Clamp clip_bounds(const StepSpec& step) {
  const Clamp open;
  return {.low = clip_bound(step, 1, "min", open.low),
          .high = clip_bound(step, 2, "max", open.high)};
}

ScalarFunction clip_function(const StepSpec& step) {
  const Clamp clamp = clip_bounds(step);
  return [=](float x) {
    x = x < clamp.low ? clamp.low : x;
    return x > clamp.high ? clamp.high : x;
  };
}

std::array<uint8_t, 256> code_table(const StepSpec& step, const ScalarFunction& function) {
  const ir::ActivationQuant& in = *step.input(0).quant;
  const ir::ActivationQuant& out = *step.output().quant;
  std::array<uint8_t, 256> table{};
  for (size_t code = 0; code < table.size(); ++code) {
    table[code] = quantize_u8(function(dequantize_u8(static_cast<uint8_t>(code), in)), out);
  }
  return table;
}

BinaryRequantize binary_requantize(const StepSpec& step) {
  const ir::ActivationQuant& a = *step.input(0).quant;
  const ir::ActivationQuant& b = *step.input(1).quant;
  const ir::ActivationQuant& y = *step.output().quant;
  BinaryRequantize r{
      .product = step.node.op == "Mul", .a_zero = a.zero_point, .b_zero = b.zero_point};
  r.a_multiplier = r.product ? a.scale * b.scale / y.scale : a.scale / y.scale;
  r.b_multiplier = b.scale / y.scale;
  if (step.node.op == "Sub") r.b_multiplier = -r.b_multiplier;
  r.low = step.clamp.low / y.scale;
  r.high = step.clamp.high / y.scale;
  r.zero = static_cast<float>(y.zero_point);
  return r;
}

}  // namespace pare::runtime
