// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/scalar_functions.hpp"

#include <cmath>

#include "lib/core/error.hpp"

namespace pare::runtime {

namespace {

float clamp01(float x) { return x < 0.0F ? 0.0F : x > 1.0F ? 1.0F : x; }

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

}  // namespace

ScalarFunction scalar_function(const ir::Node& node) {
  if (node.op == "Relu") return [](float x) { return x < 0.0F ? 0.0F : x; };
  if (node.op == "Sigmoid") return [](float x) { return 1.0F / (1.0F + std::exp(-x)); };
  if (node.op == "Tanh") return [](float x) { return std::tanh(x); };
  if (node.op == "Gelu") return gelu(node);
  if (node.op == "HardSigmoid") {
    const float alpha = ir::attr_float(node, "alpha", 0.2F);
    const float beta = ir::attr_float(node, "beta", 0.5F);
    return [=](float x) { return clamp01(alpha * x + beta); };
  }
  if (node.op == "HardSwish") return [](float x) { return x * clamp01(x * (1.0F / 6.0F) + 0.5F); };
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
