// SPDX-License-Identifier: Apache-2.0
// Where a kernel finds an operand when it runs: its own decoded copy of a constant, or the pointer
// that the session passes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/core/error.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

class FloatSource {
 public:
  FloatSource() = default;
  FloatSource(const StepSpec& step, int input) : input_(input) {
    const Operand& operand = step.input(input);
    if (operand.constant) {
      constant_ = std::make_shared<const std::vector<float>>(ir::to_f32(*operand.constant));
    }
  }
  const float* get(const RunArgs& args) const {
    return constant_ ? constant_->data() : args.in<float>(input_);
  }

 private:
  int input_ = 0;
  std::shared_ptr<const std::vector<float>> constant_;
};

// Raw bytes, whatever the dtype: for kernels that only move elements.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const StepSpec& step, int input) : input_(input) {
    const Operand& operand = step.input(input);
    if (!operand.constant) return;
    if (operand.constant->is_plain() && operand.constant->dtype() == operand.dtype) {
      const auto view = std::make_shared<const ir::BufferView>(operand.constant->view());
      constant_ = std::shared_ptr<const std::byte>(view, view->bytes().data());
    } else {
      const auto values = std::make_shared<const std::vector<float>>(ir::to_f32(*operand.constant));
      constant_ = std::shared_ptr<const std::byte>(
          values, reinterpret_cast<const std::byte*>(values->data()));
    }
  }
  const std::byte* get(const RunArgs& args) const {
    return constant_ ? constant_.get() : args.in<std::byte>(input_);
  }

 private:
  int input_ = 0;
  std::shared_ptr<const std::byte> constant_;
};

// The integers of input i, which has to be a constant: axes, shapes, pads.
inline std::vector<int64_t> constant_integers(const StepSpec& step, int input) {
  const Operand& operand = step.input(input);
  if (!operand.constant) {
    throw Error(step.name,
                "input " + std::to_string(input) + " of " + step.node.op + " must be a constant");
  }
  return ir::to_i64(*operand.constant, step.name);
}

}  // namespace pare::runtime
