// SPDX-License-Identifier: Apache-2.0
// Where a kernel finds an operand when it runs: its own decoded copy of a constant, or the pointer
// that the session passes.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "lib/core/error.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

// Elements of type T: f32 for floating and quantized operands, else the operand's own type (u8 also
// for bool).
template <class T>
class Source {
 public:
  Source() = default;
  Source(const StepSpec& step, int input) : input_(input) {
    const Operand& operand = step.input(input);
    if (!operand.constant) return;
    if constexpr (std::is_same_v<T, float>) {
      constant_ = std::make_shared<const std::vector<T>>(ir::to_f32(*operand.constant));
    } else {
      const ir::BufferView view = operand.constant->view();
      require(view.bytes().size() == sizeof(T) * static_cast<size_t>(operand.constant->count()),
              "an operand has the element type its kernel was chosen for");
      std::vector<T> values(static_cast<size_t>(operand.constant->count()));
      if (!values.empty()) std::memcpy(values.data(), view.bytes().data(), view.bytes().size());
      constant_ = std::make_shared<const std::vector<T>>(std::move(values));
    }
  }
  const T* get(const RunArgs& args) const {
    return constant_ ? constant_->data() : args.in<T>(input_);
  }

 private:
  int input_ = 0;
  std::shared_ptr<const std::vector<T>> constant_;
};
using FloatSource = Source<float>;

// Raw bytes, whatever the dtype: for kernels that only move elements. Floats are f32.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const StepSpec& step, int input) : input_(input) {
    const Operand& operand = step.input(input);
    if (!operand.constant) return;
    const bool half = operand.constant->dtype() != operand.dtype;
    if (operand.constant->is_plain() && !half) {
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

// Indices of type i64 or i32, read one at a time.
class IndexSource {
 public:
  IndexSource() = default;
  IndexSource(const StepSpec& step, int input)
      : bytes_(step, input), wide_(step.input(input).dtype == ir::DType::kI64) {
    if (!wide_ && step.input(input).dtype != ir::DType::kI32) {
      throw Error(step.name, "indices are " + std::string(name_of(step.input(input).dtype)));
    }
  }
  // Index i, counted from the end when negative; -1 when it lies outside [0, length).
  int64_t at(const RunArgs& args, int64_t i, int64_t length) const {
    const std::byte* bytes = bytes_.get(args);
    const int64_t stated = wide_ ? reinterpret_cast<const int64_t*>(bytes)[i]
                                 : reinterpret_cast<const int32_t*>(bytes)[i];
    const int64_t index = stated < 0 ? stated + length : stated;
    return index < 0 || index >= length ? -1 : index;
  }

 private:
  ByteSource bytes_;
  bool wide_ = true;
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
