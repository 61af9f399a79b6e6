// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/own/dense/linear_step.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace pare::runtime::own {

namespace {

// bias - z_a * (sum of the channel's weights), in wrapping i32 like the accumulation itself.
uint32_t corrected_bias(int32_t bias, int32_t input_zero, int64_t weight_sum) {
  return static_cast<uint32_t>(bias) -
         static_cast<uint32_t>(input_zero) * static_cast<uint32_t>(weight_sum);
}

int64_t output_channels(const StepSpec& step) {
  if (step.node.op == "Conv") return step.input(1).dims[0];
  return step.output().dims.back();
}

}  // namespace

const LinearKernels& linear_kernels() {
  switch (active_isa()) {
#if defined(__x86_64__)
    case Isa::kAvx512Vnni:
      return kLinearAvx512Vnni;
    case Isa::kAvx512:
      return kLinearAvx512;
    case Isa::kAvx2:
      return kLinearAvx2;
#elif defined(__aarch64__)
    case Isa::kNeon:
      return kLinearNeon;
#endif
    default:
      return kLinearScalar;
  }
}

std::string linear_kernel_name(const StepSpec& step, const std::string& what) {
  std::string name = step.integer ? "int8-" : "f32-";
  name += what;
  name += '-';
  return name += name_of(active_isa());
}

int linear_threads(const StepSpec& step, int64_t macs) {
  constexpr int64_t kParallelMacs = 400'000;
  return macs < kParallelMacs ? 1 : step.threads;
}

int residual_index(const StepSpec& step) {
  return step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1;
}

BlockOutput block_output(const Requantize& r) {
  BlockOutput out;
  out.residual_multiplier = r.residual_multiplier;
  out.residual_zero = static_cast<float>(r.residual_zero);
  out.zero = r.zero;
  out.to_float = r.to_float;
  // Codes' own bounds, before the zero point is added; a clamp that lies outside: the nearer one.
  const float bottom = -r.zero, top = 255.0F - r.zero;
  out.low = r.to_float ? r.low : std::clamp(r.low, bottom, top);
  out.high = r.to_float ? r.high : std::clamp(r.high, bottom, top);
  return out;
}

LinearNumbers::LinearNumbers(const StepSpec& step) : integer(step.integer) {
  if (integer) {
    IntegerLinear linear = integer_linear(step);
    const Requantize& r = linear.requantize;
    codes = std::move(linear.weight);
    i_bias = std::move(linear.bias);
    multiplier = r.multiplier;
    input_zero = linear.input_zero;
    output = block_output(r);
    return;
  }
  weights = ir::to_f32(*step.input(1).constant);
  bias.assign(static_cast<size_t>(output_channels(step)), 0.0F);
  if (step.has_input(2)) bias = ir::to_f32(*step.input(2).constant);
  output.low = step.clamp.low;
  output.high = step.clamp.high;
}

void set_unit(const LinearNumbers& numbers, int64_t at, int64_t j, int64_t per_unit,
              uint32_t& unit) {
  const auto i = static_cast<size_t>(at);
  if (!numbers.integer) {
    unit = std::bit_cast<uint32_t>(numbers.weights[i]);
  } else if (per_unit == 4) {
    unit |= static_cast<uint32_t>(static_cast<uint8_t>(numbers.codes[i])) << (8 * j);
  } else {
    unit |= static_cast<uint32_t>(static_cast<uint16_t>(int16_t{numbers.codes[i]})) << (16 * j);
  }
}

void set_channel_numbers(const LinearNumbers& numbers, int64_t channel, int64_t weight_sum,
                         int64_t at, PackedGroup& group) {
  const auto from = static_cast<size_t>(channel);
  const auto to = static_cast<size_t>(at);
  if (!numbers.integer) {
    group.bias[to] = std::bit_cast<uint32_t>(numbers.bias[from]);
    return;
  }
  group.bias[to] = corrected_bias(numbers.i_bias[from], numbers.input_zero, weight_sum);
  group.multiplier[to] = numbers.multiplier[from];
}

void set_output(BlockOutput& block, const LinearNumbers& numbers, const PackedGroup& group) {
  block = numbers.output;
  block.bias = group.bias.data();
  block.multiplier = group.multiplier.data();
}

int64_t product_weight(const MatrixProduct& g, int64_t column, int64_t row) {
  if (row >= g.depth) return -1;
  return g.transposed_b ? column * g.depth + row : row * g.columns + column;
}

}  // namespace pare::runtime::own
