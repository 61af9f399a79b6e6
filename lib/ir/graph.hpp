// SPDX-License-Identifier: Apache-2.0
// A dataflow graph: arenas of values and nodes with typed ids. Nodes have ONNX operator names and
// semantics (opset 21 unless the ops table says otherwise) and are kept in topological order: a
// node may only use values that exist when it is added. A value is an input, a node's output, or
// refers to a parameter of the Model by name; parameters live in the Model so that several graphs
// can share them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/ir/quant_scheme.hpp"
#include "lib/ir/shape.hpp"

namespace pare::ir {

template <class Tag>
struct Id {
  int32_t index = -1;
  bool valid() const { return index >= 0; }
  auto operator<=>(const Id&) const = default;
};
using ValueId = Id<struct ValueTag>;
using NodeId = Id<struct NodeTag>;

struct Value {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::optional<ActivationQuant> quant;  // runs in integers
  std::string parameter;                 // non-empty: value of that model parameter
};

using Attribute =
    std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

struct Node {
  std::string op;
  std::string name;
  std::vector<ValueId> inputs;  // an absent optional input is an invalid id
  std::vector<ValueId> outputs;
  std::map<std::string, Attribute> attributes;
};

// A pair that carries a value from one run to the next: KV cache, LSTM state.
struct StatePair {
  ValueId input;
  ValueId output;
  int axis = -1;         // the growing dimension, -1 when the state has a fixed size
  int64_t capacity = 0;  // its largest size
};

class Graph {
 public:
  std::string name = "main";
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<StatePair> states;

  ValueId add_value(Value value);
  ValueId add_input(std::string name, Shape shape, DType dtype = DType::kF32);
  // A value that refers to a model parameter; the same value again when it exists.
  ValueId add_parameter(const std::string& parameter, DType dtype, const Dims& dims);
  // Adds a node and its output values (shapes unset: see infer_shapes). Returns the first output.
  ValueId add(std::string op, std::vector<ValueId> inputs,
              std::map<std::string, Attribute> attributes = {}, std::string name = {},
              int output_count = 1);
  NodeId add_node(Node node);

  const std::vector<Value>& values() const { return values_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  Value& value(ValueId id) { return values_.at(static_cast<size_t>(id.index)); }
  const Value& value(ValueId id) const { return values_.at(static_cast<size_t>(id.index)); }
  Node& node(NodeId id) { return nodes_.at(static_cast<size_t>(id.index)); }
  const Node& node(NodeId id) const { return nodes_.at(static_cast<size_t>(id.index)); }
  ValueId find(std::string_view value_name) const;  // invalid id when absent
  // The node that makes a value, or an invalid id for inputs and parameters.
  NodeId producer(ValueId id) const;
  std::vector<NodeId> consumers(ValueId id) const;
  // Replaces the nodes (in topological order) and drops values that nobody uses any more; ids of
  // values are renumbered in the graph's inputs, outputs, states and in `nodes`.
  void rebuild(std::vector<Node> nodes);

 private:
  std::vector<Value> values_;
  std::vector<Node> nodes_;
};

// Typed attribute access with ONNX defaults; throws Error(node.name) on a wrong type.
int64_t attr_int(const Node& node, const std::string& key, int64_t fallback);
float attr_float(const Node& node, const std::string& key, float fallback);
std::string attr_string(const Node& node, const std::string& key, std::string fallback);
std::vector<int64_t> attr_ints(const Node& node, const std::string& key,
                               std::vector<int64_t> fallback);

}  // namespace pare::ir
