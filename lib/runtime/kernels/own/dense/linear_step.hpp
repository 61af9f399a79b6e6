// SPDX-License-Identifier: Apache-2.0
// What convolutions and products share before their inner loops: the numbers of a step, in codes or
// f32, whichever it computes; weights packed for the active ISA; threads; names.
#pragma once

#include <string>
#include <vector>

#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/own/dense/linear_block.hpp"
#include "lib/runtime/kernels/own/dense/unit_image.hpp"
#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime::own {

const LinearKernels& linear_kernels();
std::string linear_kernel_name(const StepSpec& step, const std::string& what);
// Below this many multiply-accumulates a step runs on the calling thread: waking others costs more.
int linear_threads(const StepSpec& step, int64_t macs);
// Index of the residual among the step's inputs, -1 without one.
int residual_index(const StepSpec& step);

// Bounds and scalars of an integer step; pointers unset.
BlockOutput block_output(const Requantize& r);

// Weights and biases of all output channels, and what becomes of the sums.
struct LinearNumbers {
  bool integer = false;
  std::vector<int8_t> codes;    // integers: weights as stored ...
  std::vector<int32_t> i_bias;  // ... and i32 biases
  std::vector<float> weights;   // else
  std::vector<float> bias;
  std::vector<float> multiplier;  // integers only
  int32_t input_zero = 0;
  BlockOutput output;  // bounds and scalars; pointers unset

  explicit LinearNumbers(const StepSpec& step);
};

// One group of output channels, padded to whole vectors.
struct PackedGroup {
  std::vector<uint32_t> weights;  // [vector][step][lane] units
  std::vector<uint32_t> bias;     // i32 or f32
  std::vector<float> multiplier;
};

// Packs output channels first ... first + count. index(channel, step, j): where code j of a step's
// unit stands among the weights, or -1.
template <class Index>
PackedGroup pack_group(const LinearNumbers& numbers, int64_t first, int64_t count, int64_t steps,
                       const Index& index);
void set_unit(const LinearNumbers& numbers, int64_t at, int64_t j, int64_t per_unit,
              uint32_t& unit);
// Biases, corrected by the weights' sums, and multipliers.
void set_channel_numbers(const LinearNumbers& numbers, int64_t channel, int64_t weight_sum,
                         int64_t at, PackedGroup& group);

// The index of a weight stored [columns][depth] or [depth][columns]; -1 beyond the depth.
int64_t product_weight(const MatrixProduct& g, int64_t column, int64_t row);

// A block with everything but pointers into activations.
void set_output(BlockOutput& block, const LinearNumbers& numbers, const PackedGroup& group);

template <class Index>
PackedGroup pack_group(const LinearNumbers& numbers, int64_t first, int64_t count, int64_t steps,
                       const Index& index) {
  const LinearKernels& kernels = linear_kernels();
  const int64_t lanes = kernels.lanes;
  const int64_t per_unit = numbers.integer ? kernels.codes_per_unit : 1;
  const int64_t padded = round_up(count, lanes);
  PackedGroup out;
  out.weights.assign(static_cast<size_t>(padded * steps), 0);
  out.bias.assign(static_cast<size_t>(padded), 0);
  out.multiplier.assign(static_cast<size_t>(padded), 0.0F);
  for (int64_t c = 0; c < count; ++c) {
    int64_t sum = 0;
    for (int64_t s = 0; s < steps; ++s) {
      const auto unit = static_cast<size_t>((c / lanes * steps + s) * lanes + c % lanes);
      for (int64_t j = 0; j < per_unit; ++j) {
        const int64_t at = index(first + c, s, j);
        if (at < 0) continue;
        if (numbers.integer) sum += numbers.codes[static_cast<size_t>(at)];
        set_unit(numbers, at, j, per_unit, out.weights[unit]);
      }
    }
    set_channel_numbers(numbers, first + c, sum, c, out);
  }
  return out;
}

}  // namespace pare::runtime::own
