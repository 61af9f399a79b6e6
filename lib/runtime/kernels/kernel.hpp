// SPDX-License-Identifier: Apache-2.0
// What the planner hands to a kernel row, and what it gets back. A StepSpec describes one step with
// every shape known; a Kernel is a closure over packed weights that only takes pointers. Kernels of
// one step see dims in logical (ONNX) order and are told the layout the bytes are in.
// Activation codes are u8 here: the planner shifts signed codes and their zero point by 128.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/ir/graph.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::runtime {

enum class Layout : uint8_t {
  kPlain,  // row-major over the logical dims
  kNhwc,   // rank 4 only: channels last
};

// What elements stored as `stored` are computed as: every float as f32.
inline ir::DType computed_dtype(ir::DType stored) {
  return ir::info(stored).is_float ? ir::DType::kF32 : stored;
}

struct Operand {
  ir::Dims dims;
  ir::DType dtype = ir::DType::kF32;         // of the stored elements: u8 when quant is set
  std::optional<ir::ActivationQuant> quant;  // codes u8
  Layout layout = Layout::kPlain;
  std::optional<ir::Tensor> constant;  // a parameter or a folded constant
  bool present = true;

  int64_t count() const { return ir::element_count(dims); }
};

// Relu and Clip after another op: y = min(max(x, low), high), NaN stays NaN.
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool active() const { return *this != Clamp{}; }
  bool operator==(const Clamp&) const = default;
};

struct StepSpec {
  std::string name;             // for messages: the node, fused ones joined by '+'
  ir::Node node;                // the main node: op and attributes
  std::vector<Operand> inputs;  // the node's inputs, then the residual when has_residual
  std::vector<Operand> outputs;
  bool has_residual = false;  // inputs.back() is added before the clamp, same dims as the output
  Clamp clamp;
  bool integer = false;  // runs on codes (docs/integer-arithmetic.md)
  int threads = 1;

  const Operand& input(int i) const { return inputs.at(static_cast<size_t>(i)); }
  const Operand& output() const { return outputs.front(); }
  const Operand* residual() const { return has_residual ? &inputs.back() : nullptr; }
  // Whether the node's own input i was given (residual not counted).
  bool has_input(int i) const {
    const int own = static_cast<int>(inputs.size()) - (has_residual ? 1 : 0);
    return i < own && inputs[static_cast<size_t>(i)].present;
  }
};

// Pointers of one call, in the order of StepSpec::inputs and outputs; null for constants, which the
// kernel holds itself.
struct RunArgs {
  std::span<std::byte* const> inputs;
  std::span<std::byte* const> outputs;
  std::byte* scratch = nullptr;

  template <class T>
  const T* in(int i) const {
    return reinterpret_cast<const T*>(inputs[static_cast<size_t>(i)]);
  }
  template <class T>
  T* out(int i = 0) const {
    return reinterpret_cast<T*>(outputs[static_cast<size_t>(i)]);
  }
};

struct Kernel {
  std::string name;
  std::function<void(const RunArgs&)> run;  // noexcept by contract
  int64_t scratch_bytes = 0;                // 64-byte aligned, per step
  int64_t packed_bytes = 0;                 // weights held, in their packed form
  bool in_place = false;  // reads an element of what it may overwrite before it writes that place
  bool joins = false;     // the output is the inputs' bytes, one after the other
};

}  // namespace pare::runtime
