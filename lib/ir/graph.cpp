// SPDX-License-Identifier: Apache-2.0
// The arenas are plain vectors and look-ups walk them: graphs hold thousands of nodes, not
// millions, and no index can go stale when a pass edits a node.
#include "lib/ir/graph.hpp"

#include <algorithm>
#include <cctype>

#include "lib/core/error.hpp"

namespace pare::ir {

namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The attribute as T, or null when absent; ints are accepted where floats are expected.
template <class T>
const T* attribute(const Node& node, const std::string& key, const char* what) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&it->second);
  if (!value) throw Error(node.name, "attribute " + key + " should be " + what);
  return value;
}

}  // namespace

ValueId Graph::add_value(Value value) {
  values_.push_back(std::move(value));
  return {static_cast<int32_t>(values_.size() - 1)};
}

ValueId Graph::add_input(std::string input_name, Shape shape, DType dtype) {
  Value value;
  value.name = std::move(input_name);
  value.dtype = dtype;
  value.shape = std::move(shape);
  inputs.push_back(add_value(std::move(value)));
  return inputs.back();
}

ValueId Graph::add_parameter(const std::string& parameter, DType dtype, const Dims& dims) {
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].parameter == parameter) return {static_cast<int32_t>(i)};
  }
  Value value;
  value.name = parameter;
  value.dtype = dtype;
  value.shape = shape_of(dims);
  value.parameter = parameter;
  return add_value(std::move(value));
}

ValueId Graph::add(std::string op, std::vector<ValueId> node_inputs,
                   std::map<std::string, Attribute> attributes, std::string node_name,
                   int output_count) {
  if (node_name.empty()) {
    const std::string stem = lower(op) + "_";
    size_t number = nodes_.size();
    do {
      node_name = stem + std::to_string(number++);
    } while (find(node_name).valid());
  }
  Node node;
  node.op = std::move(op);
  node.inputs = std::move(node_inputs);
  node.attributes = std::move(attributes);
  for (int i = 0; i < output_count; ++i) {
    Value value;
    value.name = i == 0 ? node_name : node_name + ":" + std::to_string(i);
    while (find(value.name).valid()) value.name += "_out";
    node.outputs.push_back(add_value(std::move(value)));
  }
  node.name = std::move(node_name);
  const ValueId first = node.outputs.empty() ? ValueId{} : node.outputs.front();
  add_node(std::move(node));
  return first;
}

NodeId Graph::add_node(Node node) {
  nodes_.push_back(std::move(node));
  return {static_cast<int32_t>(nodes_.size() - 1)};
}

ValueId Graph::find(std::string_view value_name) const {
  const auto it = std::ranges::find(values_, value_name, &Value::name);
  return it == values_.end() ? ValueId{} : ValueId{static_cast<int32_t>(it - values_.begin())};
}

NodeId Graph::producer(ValueId id) const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (std::ranges::find(nodes_[i].outputs, id) != nodes_[i].outputs.end()) {
      return {static_cast<int32_t>(i)};
    }
  }
  return {};
}

std::vector<NodeId> Graph::consumers(ValueId id) const {
  std::vector<NodeId> out;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (std::ranges::find(nodes_[i].inputs, id) != nodes_[i].inputs.end()) {
      out.push_back({static_cast<int32_t>(i)});
    }
  }
  return out;
}

void Graph::rebuild(std::vector<Node> new_nodes) {
  std::vector<int32_t> renumbered(values_.size(), -1);
  const auto mark = [&](ValueId id) {
    if (id.valid()) renumbered.at(static_cast<size_t>(id.index)) = 0;
  };
  const auto mark_all = [&](const std::vector<ValueId>& ids) { std::ranges::for_each(ids, mark); };
  for (const Node& node : new_nodes) {
    mark_all(node.inputs);
    mark_all(node.outputs);
  }
  mark_all(inputs);
  mark_all(outputs);
  for (const StatePair& state : states) {
    mark(state.input);
    mark(state.output);
  }
  std::vector<Value> kept;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (renumbered[i] < 0) continue;
    renumbered[i] = static_cast<int32_t>(kept.size());
    kept.push_back(std::move(values_[i]));
  }
  const auto renumber = [&](ValueId& id) {
    if (id.valid()) id.index = renumbered[static_cast<size_t>(id.index)];
  };
  for (Node& node : new_nodes) {
    std::ranges::for_each(node.inputs, renumber);
    std::ranges::for_each(node.outputs, renumber);
  }
  std::ranges::for_each(inputs, renumber);
  std::ranges::for_each(outputs, renumber);
  for (StatePair& state : states) {
    renumber(state.input);
    renumber(state.output);
  }
  values_ = std::move(kept);
  nodes_ = std::move(new_nodes);
}

int64_t attr_int(const Node& node, const std::string& key, int64_t fallback) {
  const auto* value = attribute<int64_t>(node, key, "an integer");
  return value ? *value : fallback;
}

float attr_float(const Node& node, const std::string& key, float fallback) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return fallback;
  if (const auto* integer = std::get_if<int64_t>(&it->second)) return static_cast<float>(*integer);
  return static_cast<float>(*attribute<double>(node, key, "a number"));
}

std::string attr_string(const Node& node, const std::string& key, std::string fallback) {
  const auto* value = attribute<std::string>(node, key, "a text");
  return value ? *value : std::move(fallback);
}

std::vector<int64_t> attr_ints(const Node& node, const std::string& key,
                               std::vector<int64_t> fallback) {
  const auto* value = attribute<std::vector<int64_t>>(node, key, "a list of integers");
  return value ? *value : std::move(fallback);
}

}  // namespace pare::ir
