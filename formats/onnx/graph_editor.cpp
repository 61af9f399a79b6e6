// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/graph_editor.hpp"

#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/fold.hpp"

namespace pare::formats {

using ir::ValueId;

namespace {

std::string distinct(std::set<std::string>& taken, const std::string& stem) {
  std::string name = stem;
  for (int i = 1; !taken.insert(name).second; ++i) name = stem + "." + std::to_string(i);
  return name;
}

}  // namespace

std::string GraphEditor::free_name(const std::string& stem) { return distinct(names_, stem); }
std::string GraphEditor::free_node_name(const std::string& stem) {
  return distinct(node_names_, stem);
}

ValueId GraphEditor::input(const std::string& name, ir::Shape shape, ir::DType dtype) {
  return graph_.add_input(free_name(name), std::move(shape), dtype);
}

ValueId GraphEditor::parameter(const std::string& name, ir::Tensor tensor) {
  ir::Value value;
  value.name = free_name(name);
  value.parameter = value.name;
  value.dtype = tensor.dtype();
  value.shape = ir::shape_of(tensor.dims());
  model_.parameters.set(value.parameter, std::move(tensor));
  return graph_.add_value(std::move(value));
}

ValueId GraphEditor::ints(const std::string& name, const std::vector<int64_t>& values) {
  return parameter(name, ir::Tensor::i64({static_cast<int64_t>(values.size())}, values));
}

ValueId GraphEditor::scalar(const std::string& name, float value) {
  return parameter(name, ir::Tensor::f32({}, std::span(&value, 1)));
}

const ir::Tensor* GraphEditor::constant(ValueId id) const {
  if (!id.valid()) return nullptr;
  const std::string& name = graph_.value(id).parameter;
  return name.empty() ? nullptr : &model_.parameters.at(name);
}

ir::Graph GraphEditor::isolated(const ir::Node& node, size_t outputs) const {
  ir::Graph alone;
  ir::Node copy = node;
  std::map<ValueId, ValueId> known;
  for (ValueId& id : copy.inputs) {
    if (!id.valid()) continue;
    const auto found = known.find(id);
    if (found == known.end()) known[id] = alone.add_value(graph_.value(id));
    id = known.at(id);
  }
  copy.outputs.clear();
  for (size_t i = 0; i < outputs; ++i) {
    ir::Value value;
    value.name = node.name + ":" + std::to_string(i);
    copy.outputs.push_back(alone.add_value(std::move(value)));
  }
  alone.add_node(std::move(copy));
  return alone;
}

bool GraphEditor::is_constant(const ir::Node& node) const {
  return std::ranges::all_of(node.inputs,
                             [&](ValueId id) { return !id.valid() || constant(id) != nullptr; });
}

std::optional<std::vector<ir::Tensor>> GraphEditor::computed(const ir::Node& node,
                                                             const ir::Graph& alone) {
  if (!is_constant(node)) return std::nullopt;
  int64_t elements = 0;
  for (const ValueId id : alone.nodes().front().outputs) {
    const ir::Value& value = alone.value(id);
    elements += ir::element_count(ir::known_dims(value.shape, node.name), node.name);
  }
  if (elements > kMostFoldedElements - folded_elements_) return std::nullopt;
  folded_elements_ += elements;
  return runtime::evaluate(model_, alone, alone.nodes().front());
}

std::vector<ValueId> GraphEditor::add(ir::Node node, const std::vector<std::string>& names) {
  node.name = free_node_name(node.name);
  resolve_target(node);
  ir::Graph alone = isolated(node, names.size());
  ir::infer_shapes(model_, alone);
  std::vector<ValueId> out;
  if (auto tensors = computed(node, alone)) {
    for (size_t i = 0; i < names.size(); ++i) {
      out.push_back(parameter(names[i], std::move((*tensors)[i])));
    }
    return out;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    ir::Value value = alone.value(alone.nodes().front().outputs[i]);
    value.name = free_name(names[i]);
    out.push_back(graph_.add_value(std::move(value)));
  }
  if (auto sizes = computed_sizes(node)) {
    const bool known = std::ranges::all_of(*sizes, [](const ir::Dim& d) { return d.known(); });
    if (known) {
      std::vector<int64_t> values;
      for (const ir::Dim& dim : *sizes) values.push_back(dim.size);
      const ir::Dims dims = ir::known_dims(shape(out[0]), node.name);
      ir::Value& value = graph_.value(out[0]);
      value.parameter = value.name;
      model_.parameters.set(value.name, ir::Tensor::i64(dims, values));
      return out;
    }
    sizes_[out[0]] = *std::move(sizes);
  }
  node.outputs = out;
  graph_.add_node(std::move(node));
  return out;
}

ValueId GraphEditor::add(const std::string& op, std::vector<ValueId> inputs,
                         std::map<std::string, ir::Attribute> attributes, const std::string& stem) {
  ir::Node node{.op = op, .name = stem, .inputs = std::move(inputs), .outputs = {}};
  node.attributes = std::move(attributes);
  return add(std::move(node), {stem}).front();
}

ValueId GraphEditor::add_kept(const std::string& op, ValueId input, const std::string& name) {
  ir::Value value = graph_.value(input);
  value.name = free_name(name);
  value.parameter.clear();
  if (ir::info(value.dtype).is_float) value.dtype = ir::DType::kF32;
  const ValueId id = graph_.add_value(value);
  ir::Node node{.op = op, .name = free_node_name(value.name), .inputs = {input}, .outputs = {id}};
  graph_.add_node(std::move(node));
  return id;
}

void GraphEditor::rename(ValueId id, const std::string& name) {
  graph_.value(id).name = free_name(name);
}

std::optional<std::vector<ir::Dim>> GraphEditor::sizes(ValueId id) const {
  if (!id.valid()) return std::nullopt;
  const auto known = sizes_.find(id);
  if (known != sizes_.end()) return known->second;
  const ir::Tensor* tensor = constant(id);
  if (!tensor || tensor->dtype() != ir::DType::kI64 || tensor->dims().size() > 1) {
    return std::nullopt;
  }
  std::vector<ir::Dim> out;
  for (const int64_t value : ir::to_i64(*tensor)) {
    if (value < 0) return std::nullopt;
    out.emplace_back(value);
  }
  return out;
}

// Shape arithmetic on sizes of which some are symbols.
std::optional<std::vector<ir::Dim>> GraphEditor::computed_sizes(const ir::Node& node) const {
  if (node.op == "Shape") {
    const ir::Shape& of = shape(node.inputs[0]);
    const auto rank = static_cast<int64_t>(of.size());
    const auto bound = [&](const char* key, int64_t fallback) {
      const int64_t at = ir::attr_int(node, key, fallback);
      return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    const int64_t start = bound("start", 0), end = bound("end", rank);
    if (start >= end) return std::vector<ir::Dim>{};
    return std::vector<ir::Dim>(of.begin() + start, of.begin() + end);
  }
  if (node.inputs.empty()) return std::nullopt;
  const auto first = sizes(node.inputs[0]);
  if (!first) return std::nullopt;
  if (node.op == "Unsqueeze" || node.op == "Squeeze" || node.op == "Identity" ||
      node.op == "Cast") {
    const bool integer = graph_.value(node.inputs[0]).dtype == ir::DType::kI64;
    return node.op == "Cast" && !integer ? std::nullopt : first;
  }
  if (node.op == "Gather") {
    const ir::Tensor* index = constant(node.inputs[1]);
    if (!index) return std::nullopt;
    std::vector<ir::Dim> out;
    const auto count = static_cast<int64_t>(first->size());
    for (const int64_t i : ir::to_i64(*index)) {
      const int64_t at = i < 0 ? i + count : i;
      if (at < 0 || at >= count) throw Error(node.name, "Gather of dimension " + std::to_string(i));
      out.push_back((*first)[static_cast<size_t>(at)]);
    }
    return out;
  }
  if (node.op == "Concat") {
    std::vector<ir::Dim> out;
    for (const ValueId id : node.inputs) {
      const ir::Tensor* known = constant(id);
      auto part = sizes(id);
      // -1 in a target of Reshape.
      if (!part && known && known->dtype() == ir::DType::kI64) {
        part.emplace();
        for (const int64_t v : ir::to_i64(*known)) {
          part->push_back(v == -1 ? ir::Dim(std::string("-1")) : ir::Dim(v));
        }
      }
      if (!part) return std::nullopt;
      out.insert(out.end(), part->begin(), part->end());
    }
    return out;
  }
  if (node.op == "Slice") {
    std::vector<int64_t> range;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const ir::Tensor* bound = constant(node.inputs[i]);
      if (!bound || bound->count() != 1) return std::nullopt;
      range.push_back(ir::to_i64(*bound).front());
    }
    const auto count = static_cast<int64_t>(first->size());
    const ir::SliceRange slice =
        ir::slice_range(node, count, range[0], range[1], range.size() > 3 ? range[3] : 1);
    std::vector<ir::Dim> out;
    for (int64_t i = 0; i < slice.count; ++i) {
      out.push_back((*first)[static_cast<size_t>(slice.start + i * slice.step)]);
    }
    return out;
  }
  return std::nullopt;
}

// A Reshape whose target holds symbols gets a constant one: 0 where the dimension stays, -1 for one
// that does not.
void GraphEditor::resolve_target(ir::Node& node) {
  if (node.op != "Reshape" || node.inputs.size() < 2 || constant(node.inputs[1])) return;
  const auto target = sizes(node.inputs[1]);
  if (!target) return;
  const ir::Shape& from = shape(node.inputs[0]);
  std::vector<int64_t> values;
  for (size_t i = 0; i < target->size(); ++i) {
    const ir::Dim& dim = (*target)[i];
    values.push_back(dim.known() ? dim.size : i < from.size() && from[i] == dim ? 0 : -1);
  }
  if (std::ranges::count(values, -1) > 1) return;
  node.inputs[1] = ints(node.name + ".shape", values);
}

void GraphEditor::remove_unused() {
  std::set<ValueId> used(graph_.outputs.begin(), graph_.outputs.end());
  std::vector<ir::Node> kept;
  for (auto node = graph_.nodes().rbegin(); node != graph_.nodes().rend(); ++node) {
    const bool needed =
        std::ranges::any_of(node->outputs, [&](ValueId id) { return used.contains(id); });
    if (!needed) continue;
    used.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(*node);
  }
  std::ranges::reverse(kept);
  graph_.rebuild(std::move(kept));
  ir::ParameterTable parameters;
  std::set<std::string> referred;
  for (const ir::Value& value : graph_.values()) referred.insert(value.parameter);
  for (const auto& entry : model_.parameters.entries()) {
    if (referred.contains(entry.name)) parameters.set(entry.name, entry.tensor);
  }
  model_.parameters = std::move(parameters);
}

}  // namespace pare::formats
