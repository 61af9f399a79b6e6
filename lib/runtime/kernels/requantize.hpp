// SPDX-License-Identifier: Apache-2.0
// The epilogue of integer kernels, defined in docs/integer-arithmetic.md:
//   y = saturate(rne(clamp(f32(acc) * m[c] + m_sum * (r - z_r))) + z)
// in f32, every step rounded. Every kernel of ours and the parameters given to oneDNN come from
// here.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

// Rounds to the nearest integer, ties to even (the default rounding mode), saturated to u8.
inline uint8_t saturate_u8(float x) {
  const float rounded = std::nearbyint(x);  // NaN becomes 0
  return rounded > 0.0F ? static_cast<uint8_t>(std::min(rounded, 255.0F)) : uint8_t{0};
}

// The code of a value in units of the scale. Rounded before the zero point is added, as
// QuantizeLinear does: the sum of the two has fewer bits left, and another parity.
inline uint8_t code_u8(float x, float zero) { return saturate_u8(std::nearbyint(x) + zero); }

// ONNX QuantizeLinear: saturate(rne(x / scale) + zero_point).
inline uint8_t quantize_u8(float x, const ir::ActivationQuant& q) {
  return code_u8(x / q.scale, static_cast<float>(q.zero_point));
}
inline float dequantize_u8(uint8_t code, const ir::ActivationQuant& q) {
  return q.scale * static_cast<float>(static_cast<int32_t>(code) - q.zero_point);
}

// Codes of one scale as codes of another.
inline std::array<uint8_t, 256> rescaling_table(const ir::ActivationQuant& from,
                                                const ir::ActivationQuant& to) {
  std::array<uint8_t, 256> table{};
  for (size_t code = 0; code < table.size(); ++code) {
    table[code] = quantize_u8(dequantize_u8(static_cast<uint8_t>(code), from), to);
  }
  return table;
}

struct Requantize {
  std::vector<float> multiplier;     // m[c], one an output channel
  float residual_multiplier = 0.0F;  // m_sum, 0 without a residual
  int32_t residual_zero = 0;         // z_r
  float low = 0.0F, high = 0.0F;     // the clamp, in output codes before z
  float zero = 0.0F;                 // z
  bool to_float = false;             // the output stays f32: no z, no rounding

  float real(int32_t acc, size_t channel, int32_t residual) const {
    return completed(static_cast<float>(acc) * multiplier[channel], residual);
  }
  // v with the residual, clamped.
  float completed(float v, int32_t residual) const {
    if (residual_multiplier != 0.0F) {
      v = v + residual_multiplier * static_cast<float>(residual - residual_zero);
    }
    v = v < low ? low : v;
    return v > high ? high : v;
  }
  uint8_t code(int32_t acc, size_t channel, int32_t residual) const {
    return code_u8(real(acc, channel, residual), zero);
  }
};

// An integer Conv, Gemm or MatMul: codes of the weight in its stored order, bias per output
// channel.
struct IntegerLinear {
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;  // zeros when the node has none
  int32_t input_zero = 0;     // z_a
  Requantize requantize;
};

// Whether the step's operands allow integer arithmetic (quantized input and output or f32 output;
// symmetric weight codes of at most 8 bits per output channel or per tensor).
bool linear_runs_in_integers(const StepSpec& step);
// All but the multipliers, from what the step says about its output and residual.
Requantize output_of(const StepSpec& step);
// Precondition: linear_runs_in_integers(step).
IntegerLinear integer_linear(const StepSpec& step);

}  // namespace pare::runtime
