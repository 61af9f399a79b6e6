// SPDX-License-Identifier: Apache-2.0
// The arithmetic of AveragePool, GlobalAveragePool and ReduceMean. Floats: the sum in double,
// divided once. Codes: y = saturate(rne(f32(sum of (code - z_a)) * (s_a / s_y / f32(count)) + z)).
#pragma once

#include <algorithm>
#include <type_traits>

#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime {

class Averaging {
 public:
  template <class T>
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, int32_t>;

  explicit Averaging(const StepSpec& step) {
    if (!step.integer) return;
    in_zero_ = step.input(0).quant->zero_point;
    ratio_ = step.input(0).quant->scale / step.output().quant->scale;
    zero_ = static_cast<float>(step.output().quant->zero_point);
  }

  double term(float x) const { return x; }
  int32_t term(uint8_t code) const { return static_cast<int32_t>(code) - in_zero_; }

  // A sum of plain codes of `taps` elements as the sum of their terms.
  template <class T>
  Sum<T> without_zero(Sum<T> sum, int64_t taps) const {
    if constexpr (std::is_floating_point_v<T>) return sum;
    return static_cast<Sum<T>>(sum - static_cast<int32_t>(taps) * in_zero_);
  }

  template <class T>
  T result(Sum<T> sum, int64_t count) const {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(sum / static_cast<double>(count));
    } else {
      const float multiplier = ratio_ / static_cast<float>(count);
      return code_u8(static_cast<float>(sum) * multiplier, zero_);
    }
  }

 private:
  int32_t in_zero_ = 0;
  float ratio_ = 1.0F;
  float zero_ = 0.0F;
};

// Elements of the window at (oy, ox), explicit padding counted, what ceil_mode adds beyond it not.
inline int64_t padded_window_size(const Conv2d& g, int64_t oy, int64_t ox) {
  const auto extent = [](int64_t start, int64_t kernel, int64_t dilation, int64_t end) {
    int64_t inside = 0;
    for (int64_t k = 0; k < kernel; ++k) inside += start + k * dilation < end ? 1 : 0;
    return inside;
  };
  return extent(oy * g.stride_height - g.pad_top, g.kernel_height, g.dilation_height,
                g.height + g.pad_bottom) *
         extent(ox * g.stride_width - g.pad_left, g.kernel_width, g.dilation_width,
                g.width + g.pad_right);
}

// ReduceMean's axes, from its second input or its attribute (before opset 18), as a flag a
// dimension.
inline std::vector<bool> reduced_axes(const StepSpec& step) {
  const size_t rank = step.input(0).dims.size();
  std::vector<int64_t> axes =
      step.has_input(1) ? constant_integers(step, 1) : ir::attr_ints(step.node, "axes", {});
  const bool nothing = axes.empty() && ir::attr_int(step.node, "noop_with_empty_axes", 0) != 0;
  std::vector<bool> reduced(rank, axes.empty() && !nothing);
  for (const int64_t axis : axes) reduced.at(normal_axis(axis, rank)) = true;
  return reduced;
}

}  // namespace pare::runtime
