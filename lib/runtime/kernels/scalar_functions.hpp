// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of one number as ONNX defines them, the 256-entry tables that compute them
// on codes, and the arithmetic of Add, Sub and Mul on codes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime {

using ScalarFunction = std::function<float(float)>;

// Of every operator of one f32 input and output, with the node's attributes.
ScalarFunction scalar_function(const ir::Node& node);
// Clip with its constant bounds; throws Error(step.name) when a bound is not constant.
ScalarFunction clip_function(const StepSpec& step);
Clamp clip_bounds(const StepSpec& step);

// table[code] = quantize(function(dequantize(code))).
std::array<uint8_t, 256> code_table(const StepSpec& step, const ScalarFunction& function);

// Add, Sub: y = saturate(rne(clamp(m_a * (a - z_a) + m_b * (b - z_b)) + z)), m = s / s_y (m_b
// negated for Sub). Mul: y = saturate(rne(clamp((a - z_a) * (b - z_b) * m_a) + z)), m_a = s_a * s_b
// / s_y.
struct BinaryRequantize {
  bool product = false;
  float a_multiplier = 1.0F, b_multiplier = 0.0F;
  int32_t a_zero = 0, b_zero = 0;
  float low = 0.0F, high = 0.0F, zero = 0.0F;

  uint8_t code(uint8_t a, uint8_t b) const {
    const int32_t x = a - a_zero;
    const int32_t y = b - b_zero;
    float v = 0.0F;
    if (product) {
      v = static_cast<float>(x * y) * a_multiplier;
    } else {
      v = static_cast<float>(x) * a_multiplier + static_cast<float>(y) * b_multiplier;
    }
    v = v < low ? low : v;
    v = v > high ? high : v;
    return code_u8(v, zero);
  }
};
BinaryRequantize binary_requantize(const StepSpec& step);

}  // namespace pare::runtime
