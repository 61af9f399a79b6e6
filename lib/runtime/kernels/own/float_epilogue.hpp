// SPDX-License-Identifier: Apache-2.0
// What follows the sums of a Gemm in f32 whose weights stay packed: bias, residual, clamp.
#pragma once

#include <vector>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::own {

class FloatEpilogue {
 public:
  FloatEpilogue(const StepSpec& step, int64_t columns)
      : bias_(static_cast<size_t>(columns), 0.0F),
        clamp_(step.clamp),
        residual_(step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1) {
    if (step.has_input(2)) bias_ = ir::to_f32(*step.input(2).constant);
  }
  int64_t bytes() const { return static_cast<int64_t>(bias_.size()) * 4; }

  // Outputs [row][first ... first + count) from sums that stand `stride` floats apart.
  void finish(const RunArgs& args, int64_t row, int64_t first, int64_t count, const float* sums,
              int64_t stride = 1) const {
    const int64_t at = row * static_cast<int64_t>(bias_.size()) + first;
    const float* added = residual_ < 0 ? nullptr : args.in<float>(residual_) + at;
    const float* bias = bias_.data() + first;
    float* to = args.out<float>() + at;
    for (int64_t i = 0; i < count; ++i) {
      float v = sums[i * stride] + bias[i];
      if (added != nullptr) v += added[i];
      v = v < clamp_.low ? clamp_.low : v;
      to[i] = v > clamp_.high ? clamp_.high : v;
    }
  }

 private:
  std::vector<float> bias_;
  Clamp clamp_;
  int residual_ = -1;
};

}  // namespace pare::runtime::own
