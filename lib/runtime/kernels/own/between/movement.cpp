// SPDX-License-Identifier: Apache-2.0
// Slice, constant Pad and Concat in the layout their input is in, by whole runs of bytes: what
// would otherwise be two reorders and a walk over elements.
#include <algorithm>
#include <cstring>
#include <memory>

#include "lib/runtime/kernels/box.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::own {

namespace {

bool parameters_are_constant(const StepSpec& step) {
  for (size_t i = 1; i < step.inputs.size(); ++i) {
    if (step.inputs[i].present && !step.inputs[i].constant) return false;
  }
  return !step.input(0).constant;
}

bool is_byte_or_word(const Operand& operand) {
  const int bits = ir::info(operand.dtype).bits;
  return bits == 8 || bits == 32;
}

// Logical axis of each axis in memory.
std::vector<size_t> axes_in_memory(const Operand& operand) {
  if (operand.layout == Layout::kNhwc) return {0, 2, 3, 1};
  std::vector<size_t> axes(operand.dims.size());
  for (size_t d = 0; d < axes.size(); ++d) axes[d] = d;
  return axes;
}

Box in_memory_order(const Box& box, const Operand& operand) {
  Box out;
  for (const size_t d : axes_in_memory(operand)) {
    out.in.push_back(box.in[d]);
    out.out.push_back(box.out[d]);
    out.start.push_back(box.start[d]);
    out.step.push_back(box.step[d]);
  }
  return out;
}

// A box with the part of the output that comes from the input, per axis.
class BoxCopy {
 public:
  explicit BoxCopy(Box box) : box_(std::move(box)), strides_(row_major_strides(box_.in)) {
    for (size_t d = 0; d < box_.in.size(); ++d) {
      int64_t first = 0;
      int64_t end = box_.out[d];
      const auto inside = [&](int64_t i) {
        const int64_t at = box_.start[d] + i * box_.step[d];
        return at >= 0 && at < box_.in[d];
      };
      while (first < end && !inside(first)) ++first;
      while (end > first && !inside(end - 1)) --end;
      first_.push_back(first);
      end_.push_back(end);
    }
    run_.resize(box_.in.size() + 1, 1);
    for (size_t d = box_.in.size(); d-- > 0;) run_[d] = run_[d + 1] * box_.out[d];
  }

  template <class T>
  void copy(const T* in, T* out, T padding) const {
    axis<T>(0, in, out, padding);
  }

 private:
  template <class T>
  void axis(size_t d, const T* in, T* out, T padding) const {
    std::fill_n(out, first_[d] * run_[d + 1], padding);
    const int64_t stride = strides_[d] * box_.step[d];
    const T* from = in + box_.start[d] * strides_[d] + first_[d] * stride;
    T* to = out + first_[d] * run_[d + 1];
    const int64_t count = end_[d] - first_[d];
    if (d + 1 < box_.in.size()) {
      for (int64_t i = 0; i < count; ++i)
        axis(d + 1, from + i * stride, to + i * run_[d + 1], padding);
    } else if (stride == 1) {
      std::copy_n(from, count, to);
    } else {
      for (int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
    }
    std::fill_n(to + count * run_[d + 1], (box_.out[d] - end_[d]) * run_[d + 1], padding);
  }

  Box box_;
  std::vector<int64_t> strides_;      // of the input
  std::vector<int64_t> first_, end_;  // output indices that come from the input
  std::vector<int64_t> run_;          // output elements below an axis
};

Kernel box_kernel(const StepSpec& step, const Box& box, const std::array<std::byte, 8>& padding) {
  const auto copy = std::make_shared<const BoxCopy>(in_memory_order(box, step.input(0)));
  Kernel kernel{.name = "move-" + step.node.op};
  if (ir::info(step.output().dtype).bits == 8) {
    kernel.run = [copy, value = std::to_integer<uint8_t>(padding[0])](const RunArgs& args) {
      copy->copy(args.in<uint8_t>(0), args.out<uint8_t>(), value);
    };
  } else {
    uint32_t value = 0;
    std::memcpy(&value, padding.data(), sizeof value);
    kernel.run = [copy, value](const RunArgs& args) {
      copy->copy(args.in<uint32_t>(0), args.out<uint32_t>(), value);
    };
  }
  return kernel;
}

bool has_dims(const StepSpec& step) {
  return !step.input(0).dims.empty() && step.input(0).count() > 0 && step.output().count() > 0;
}

}  // namespace

bool supports_slice(const StepSpec& step) {
  return parameters_are_constant(step) && is_byte_or_word(step.output()) && has_dims(step);
}
Kernel make_slice(const StepSpec& step) { return box_kernel(step, slice_box(step), {}); }

bool supports_constant_pad(const StepSpec& step) {
  return supports_slice(step) && ir::attr_string(step.node, "mode", "constant") == "constant";
}
Kernel make_constant_pad(const StepSpec& step) {
  return box_kernel(step, pad_box(step), padding_element(step));
}

// Codes of one scale only: others need a table.
bool supports_concat(const StepSpec& step) {
  return is_byte_or_word(step.output()) && has_dims(step) &&
         std::ranges::all_of(step.inputs, [&](const Operand& operand) {
           return operand.present && !operand.constant && operand.quant == step.output().quant;
         });
}

Kernel make_concat(const StepSpec& step) {
  const Operand& output = step.output();
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), output.dims.size());
  const std::vector<size_t> axes = axes_in_memory(output);
  const auto place = static_cast<size_t>(std::ranges::find(axes, axis) - axes.begin());
  int64_t outer = 1;
  int64_t inner = ir::info(output.dtype).bits / 8;
  for (size_t d = 0; d < place; ++d) outer *= output.dims[axes[d]];
  for (size_t d = place + 1; d < axes.size(); ++d) inner *= output.dims[axes[d]];
  std::vector<int64_t> pieces;
  for (const Operand& input : step.inputs) pieces.push_back(input.dims[axis] * inner);
  Kernel kernel{.name = "move-Concat", .joins = outer == 1};
  kernel.run = [=](const RunArgs& args) {
    std::byte* to = args.out<std::byte>();
    for (int64_t o = 0; o < outer; ++o) {
      for (size_t i = 0; i < pieces.size(); ++i) {
        std::memcpy(to, args.in<std::byte>(static_cast<int>(i)) + o * pieces[i],
                    static_cast<size_t>(pieces[i]));
        to += pieces[i];
      }
    }
  };
  return kernel;
}

}  // namespace pare::runtime::own
