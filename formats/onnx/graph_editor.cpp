// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/graph_editor.hpp"

#include <algorithm>

#include "lib/core/checked.hpp"
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

std::vector<ValueId> GraphEditor::add(ir::Node node, const std::vector<std::string>& names) {
  node.name = free_node_name(node.name);
  resolve_target(node);
  node.outputs.clear();
  for (const std::string& name : names) {
    ir::Value value;
    value.name = free_name(name);
    node.outputs.push_back(graph_.add_value(std::move(value)));
  }
  inference_.visit(node);
  const std::vector<ValueId> outputs = node.outputs;
  if (!fold(node)) graph_.add_node(std::move(node));
  return outputs;
}

bool GraphEditor::fold(const ir::Node& node) {
  if (fold_sizes(node)) return true;
  const bool constant = std::ranges::all_of(
      node.inputs, [&](ValueId id) { return !id.valid() || this->constant(id) != nullptr; });
  return constant && (fold_stored(node) || fold_computed(node));
}

// Contents that were made of dimensions, all of them known.
bool GraphEditor::fold_sizes(const ir::Node& node) {
  if (node.outputs.size() != 1) return false;
  const ir::SizeEntries* sizes = inference_.sizes(node.outputs[0]);
  if (!sizes || !std::ranges::all_of(*sizes, &ir::SizeEntry::known)) return false;
  std::vector<int64_t> values;
  for (const ir::SizeEntry& entry : *sizes) values.push_back(entry.value);
  const ir::Value& value = graph_.value(node.outputs[0]);
  const ir::Dims dims = ir::known_dims(value.shape, value.name);
  if (value.dtype == ir::DType::kI64) {
    make_parameter(node.outputs[0], ir::Tensor::i64(dims, values));
  } else {
    const std::vector<int32_t> narrow(values.begin(), values.end());
    make_parameter(node.outputs[0], ir::Tensor::of<int32_t>(ir::DType::kI32, dims, narrow));
  }
  return true;
}

// Weights keep the form they are stored in: 16-bit floats through a Cast to f32, codes through a
// Reshape that leaves their groups alone.
bool GraphEditor::fold_stored(const ir::Node& node) {
  if (node.op != "Cast" && node.op != "Reshape") return false;
  const ir::Tensor tensor = *constant(node.inputs[0]);
  const ir::Value& value = graph_.value(node.outputs[0]);
  if (node.op == "Cast") {
    const bool same =
        tensor.is_plain() && ir::info(tensor.dtype()).is_float && value.dtype == ir::DType::kF32;
    if (same) make_parameter(node.outputs[0], tensor);
    return same;
  }
  const ir::Dims dims = ir::known_dims(value.shape, value.name);
  const ir::QuantScheme* scheme = tensor.scheme();
  const bool rows_stay = scheme && scheme->axis == 0 && !dims.empty() && !tensor.dims().empty() &&
                         dims[0] == tensor.dims()[0];
  if (!scheme || !(scheme->axis == -1 || rows_stay)) return false;
  ir::Tensor::Parts parts;
  for (int i = 0; i < ir::kPartCount; ++i) {
    const auto part = static_cast<ir::Part>(i);
    if (tensor.part(part)) parts.set(part, *tensor.part(part));
  }
  make_parameter(node.outputs[0], ir::Tensor::composite(dims, *scheme, tensor.layout(), parts));
  return true;
}

bool GraphEditor::take(int64_t elements) {
  if (elements > kMostFoldedElements - folded_elements_) return false;
  folded_elements_ += elements;
  return true;
}

bool GraphEditor::fold_computed(const ir::Node& node) {
  int64_t elements = 0;
  for (const ValueId id : node.outputs) {
    const ir::Value& value = graph_.value(id);
    for (const ir::Dim& dim : value.shape) {
      if (!dim.known()) return false;
    }
    const int64_t count = ir::element_count(ir::known_dims(value.shape, value.name), node.name);
    elements = checked_add(elements, count, node.name);
  }
  if (!take(elements)) return false;
  std::vector<ir::Tensor> results = runtime::evaluate(model_, graph_, node);
  for (size_t i = 0; i < results.size(); ++i) {
    make_parameter(node.outputs[i], std::move(results[i]));
  }
  return true;
}

void GraphEditor::make_parameter(ValueId id, ir::Tensor tensor) {
  ir::Value& value = graph_.value(id);
  value.parameter = value.name;
  value.shape = ir::shape_of(tensor.dims());
  value.dtype = tensor.dtype();
  model_.parameters.set(value.parameter, std::move(tensor));
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

// A Reshape whose target holds symbols gets a constant one: 0 where the dimension stays, -1 for one
// that does not.
void GraphEditor::resolve_target(ir::Node& node) {
  if (node.op != "Reshape" || node.inputs.size() < 2 || constant(node.inputs[1])) return;
  const ir::SizeEntries* target = inference_.sizes(node.inputs[1]);
  if (!target || ir::attr_int(node, "allowzero", 0) != 0) return;
  const ir::Shape& from = shape(node.inputs[0]);
  std::vector<int64_t> values;
  for (size_t i = 0; i < target->size(); ++i) {
    const ir::SizeEntry& entry = (*target)[i];
    const bool stays = !entry.known() && i < from.size() && from[i].symbol == entry.symbol;
    values.push_back(entry.known() ? entry.value : stays ? 0 : -1);
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
