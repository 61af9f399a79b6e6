// SPDX-License-Identifier: Apache-2.0
// The table of PyTorch's operators: one row an operator, from its arguments to nodes of the graph.
// Rows are looked up by the name without namespace, overload and the underscore of the in-place
// form ("relu" for aten::relu_).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <torch/csrc/jit/ir/ir.h>

#include "formats/torchscript/emitter.hpp"

namespace pare::formats::torchscript {

// One call of an operator. Arguments go by the names of PyTorch's schema.
class Call {
 public:
  Call(Emitter& emit, const torch::jit::Node& node, std::span<const Value> arguments);

  Emitter& emit;

  bool has(std::string_view name) const;  // there, and not None
  // Throws Error(operator) when the argument is something else or not known.
  ir::ValueId tensor(std::string_view name) const;           // weights become parameters
  ir::ValueId optional_tensor(std::string_view name) const;  // invalid id for None
  // A weight or other known tensor; undefined when it is not known.
  at::Tensor known_tensor(std::string_view name) const;
  const Value& value(std::string_view name) const;
  const Value& first() const { return arguments_.front(); }
  int64_t integer(std::string_view name, int64_t fallback = 0) const;
  double number(std::string_view name, double fallback = 0) const;
  bool flag(std::string_view name) const;
  std::string text(std::string_view name) const;
  std::vector<int64_t> integers(std::string_view name) const;
  // As `integers`, one number standing for `count` of them.
  std::vector<int64_t> integers(std::string_view name, size_t count) const;
  std::vector<double> numbers(std::string_view name) const;
  ir::Shape sizes(std::string_view name) const;  // symbols allowed
  std::vector<ir::ValueId> tensors(std::string_view name) const;

  // Axis in [0, rank).
  int64_t axis(std::string_view name, int rank) const;
  std::vector<int64_t> axes(std::string_view name, int rank) const;

  // A tensor or number as an operand beside `other`, and the type that both are brought to.
  ir::ValueId operand(const Value& value, ir::DType dtype) const;
  ir::DType common_type(const Value& a, const Value& b) const;
  ir::ValueId floating(std::string_view name) const;  // integers are cast

  [[noreturn]] void refuse(const std::string& fact) const;
  std::string_view name() const { return node_.kind().toUnqualString(); }
  size_t output_count() const { return node_.outputs().size(); }

 private:
  std::optional<size_t> index_of(std::string_view name) const;
  const c10::IValue& plain(std::string_view name, const char* what) const;
  ir::ValueId as_tensor(const Value& value, std::string_view role) const;

  const torch::jit::Node& node_;
  std::span<const Value> arguments_;
};

struct OperatorRow {
  std::string_view name;
  Value (*lower)(const Call& call);  // several outputs: a tuple
};

// Null when unknown.
const OperatorRow* find_operator(std::string_view name);
// By name, ascending: for the documentation.
std::vector<std::string_view> operator_names();

// One function a file of rows.
std::span<const OperatorRow> pointwise_operators();
std::span<const OperatorRow> binary_operators();
std::span<const OperatorRow> weight_operators();
std::span<const OperatorRow> window_operators();
std::span<const OperatorRow> layout_operators();
std::span<const OperatorRow> index_operators();
std::span<const OperatorRow> reduce_operators();
std::span<const OperatorRow> recurrent_operators();

// For messages: the first line of a text, made printable.
std::string first_line(const std::string& text);
// "aten::relu (model.py, line 12)".
std::string described(const torch::jit::Node& node);

}  // namespace pare::formats::torchscript
