// SPDX-License-Identifier: Apache-2.0
// What a name in TorchScript code stands for while the code is walked without data: something known
// (a number, a text, a weight: libtorch's own IValue), a tensor of the graph under construction, a
// list or tuple of such, or a size that a session fixes later.
// Tensors and lists are shared, as in Python: two names may stand for one, and a change through
// either is seen by both.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/ivalue.h>

#include "lib/ir/graph.hpp"

namespace pare::formats::torchscript {

// Memory that several tensors are views of. A write through one of them makes the others stale:
// they would have changed too, which a dataflow graph cannot say.
struct Storage {
  int version = 0;
};

struct GraphTensor {
  ir::ValueId id;
  std::shared_ptr<Storage> storage = std::make_shared<Storage>();
  int version = 0;  // of the storage when `id` was what it holds
  bool stale() const { return version != storage->version; }
};

class Value;

struct Sequence {
  bool tuple = false;
  c10::TypePtr element;  // of a list
  std::vector<Value> items;
};

// A dimension of unknown size, "batch".
struct SizeSymbol {
  std::string name;
};

// The result of an operator that no graph can stand for. Code may compute what nobody uses, so it
// is an error only where the result decides something or leaves the module.
struct Refusal {
  std::string subject;
  std::string fact;
};

class Value {
 public:
  Value() = default;  // None
  // Lists and tuples become sequences.
  explicit Value(const c10::IValue& known);
  explicit Value(std::shared_ptr<GraphTensor> tensor) : held_(std::move(tensor)) {}
  explicit Value(std::shared_ptr<Sequence> sequence) : held_(std::move(sequence)) {}
  Value(ir::ValueId id)  // NOLINT(google-explicit-constructor): what operators return
      : held_(std::make_shared<GraphTensor>(GraphTensor{.id = id})) {}
  explicit Value(SizeSymbol symbol) : held_(std::move(symbol)) {}
  explicit Value(Refusal refusal) : held_(std::move(refusal)) {}

  static Value list(c10::TypePtr element, std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value sizes(const ir::Shape& shape);

  // Null when it is something else.
  const std::shared_ptr<GraphTensor>* graph_tensor() const;
  const std::shared_ptr<Sequence>* sequence() const;
  const SizeSymbol* symbol() const;
  const Refusal* refusal() const;  // of a sequence: the first inside
  // Neither a sequence nor of the graph.
  const c10::IValue* plain() const;
  bool is_none() const;
  bool is_tensor() const;  // known or of the graph

  // Nothing of the graph inside.
  bool is_known() const;
  // Of a known value, sequences as copies.
  c10::IValue known() const;

 private:
  std::variant<c10::IValue, std::shared_ptr<GraphTensor>, std::shared_ptr<Sequence>, SizeSymbol,
               Refusal>
      held_;
};

}  // namespace pare::formats::torchscript
