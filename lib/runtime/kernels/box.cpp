// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/box.hpp"

#include <algorithm>
#include <cstring>

#include "lib/core/error.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime {

namespace {

// The axes that parameter i speaks of: those of an input, or all in order.
std::vector<size_t> axes_of(const StepSpec& step, int input, size_t count) {
  std::vector<int64_t> given(count);
  for (size_t i = 0; i < count; ++i) given[i] = static_cast<int64_t>(i);
  if (step.has_input(input)) given = constant_integers(step, input);
  std::vector<size_t> axes;
  for (const int64_t axis : given) axes.push_back(normal_axis(axis, step.input(0).dims.size()));
  return axes;
}

Box whole(const StepSpec& step) {
  const size_t rank = step.input(0).dims.size();
  return {step.input(0).dims, step.output().dims, std::vector<int64_t>(rank, 0),
          std::vector<int64_t>(rank, 1)};
}

}  // namespace

Box slice_box(const StepSpec& step) {
  Box box = whole(step);
  const std::vector<int64_t> starts = constant_integers(step, 1);
  const std::vector<size_t> axes = axes_of(step, 3, starts.size());
  std::vector<int64_t> steps(starts.size(), 1);
  if (step.has_input(4)) steps = constant_integers(step, 4);
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = axes.at(i);
    const int64_t length = box.in.at(axis);
    const int64_t start = starts[i] < 0 ? starts[i] + length : starts[i];
    box.start[axis] = std::clamp<int64_t>(start, 0, steps.at(i) < 0 ? length - 1 : length);
    box.step[axis] = steps[i];
  }
  return box;
}

Box pad_box(const StepSpec& step) {
  Box box = whole(step);
  const std::vector<int64_t> pads =
      step.has_input(1) ? constant_integers(step, 1) : ir::attr_ints(step.node, "pads", {});
  const std::vector<size_t> axes = axes_of(step, 3, box.in.size());
  for (size_t i = 0; i < axes.size(); ++i) box.start.at(axes[i]) = -pads.at(i);
  return box;
}

std::array<std::byte, 8> padding_element(const StepSpec& step) {
  std::array<std::byte, 8> bytes{};
  float value = ir::attr_float(step.node, "value", 0.0F);
  if (step.has_input(2)) {
    const Operand& operand = step.input(2);
    if (!operand.constant) throw Error(step.name, "the value of Pad must be a constant");
    value = ir::to_f32(*operand.constant).at(0);
  }
  if (step.output().quant) {
    bytes[0] = std::byte{quantize_u8(value, *step.output().quant)};
  } else if (step.output().dtype == ir::DType::kF32) {
    std::memcpy(bytes.data(), &value, sizeof value);
  } else {
    const auto integer = static_cast<int64_t>(value);
    std::memcpy(bytes.data(), &integer, sizeof integer);  // little-endian: any integer width
  }
  return bytes;
}

}  // namespace pare::runtime
