// SPDX-License-Identifier: Apache-2.0
// Shape and dtype inference: one walk over the nodes in their (topological) order.
#include "lib/ir/infer.hpp"

#include <memory>

#include "lib/core/error.hpp"
#include "lib/ir/size_arithmetic.hpp"

namespace pare::ir {

namespace {

void check_arity(const OpRow& row, const Node& node) {
  const auto count = static_cast<int>(node.inputs.size());
  if (count < row.min_inputs || (row.max_inputs >= 0 && count > row.max_inputs)) {
    throw Error(node.name, node.op + " does not take " + std::to_string(count) + " inputs");
  }
  for (int i = 0; i < count; ++i) {
    const bool optional = i >= row.min_inputs && row.max_inputs >= 0;
    if (!optional && !node.inputs[static_cast<size_t>(i)].valid()) {
      throw Error(node.name, "input " + std::to_string(i) + " of " + node.op + " is missing");
    }
  }
  const auto outputs = static_cast<int>(node.outputs.size());
  if (outputs < row.min_outputs || (row.max_outputs >= 0 && outputs > row.max_outputs)) {
    throw Error(node.name, node.op + " does not have " + std::to_string(outputs) + " outputs");
  }
}

bool belongs(DType dtype, TypeSet types) {
  const DTypeInfo& of = info(dtype);
  const bool integer = !of.is_float && dtype != DType::kBool;
  switch (types) {
    case TypeSet::kFloat:
      return of.is_float;
    case TypeSet::kNumber:
      return of.is_float || (integer && of.bits >= 8);
    case TypeSet::kInteger:
      return integer && of.bits >= 8;
    case TypeSet::kBool:
      return dtype == DType::kBool;
    case TypeSet::kAny:
      return true;
  }
  throw Bug("unknown type set");
}

}  // namespace

std::string_view name_of(TypeSet types) {
  switch (types) {
    case TypeSet::kFloat:
      return "f32";
    case TypeSet::kNumber:
      return "f32 and integers";
    case TypeSet::kInteger:
      return "integers";
    case TypeSet::kBool:
      return "bool";
    case TypeSet::kAny:
      return "any";
  }
  throw Bug("unknown type set");
}

Tensor constant_tensor(const Node& node) {
  if (node.attributes.size() != 1) throw Error(node.name, "Constant should have one value");
  const Attribute& value = node.attributes.begin()->second;
  if (const auto* i = std::get_if<int64_t>(&value)) return Tensor::i64({}, std::span(i, 1));
  if (const auto* i = std::get_if<std::vector<int64_t>>(&value)) {
    return Tensor::i64({static_cast<int64_t>(i->size())}, *i);
  }
  std::vector<float> floats;
  const auto* list = std::get_if<std::vector<double>>(&value);
  if (list) floats.assign(list->begin(), list->end());
  if (const auto* x = std::get_if<double>(&value)) floats.push_back(static_cast<float>(*x));
  if (!list && floats.empty()) throw Error(node.name, "value of Constant is a text");
  return Tensor::f32(list ? Dims{static_cast<int64_t>(floats.size())} : Dims{}, floats);
}

ShapeInference::ShapeInference(const Model& model, Graph& graph) : model_(model), graph_(graph) {
  for (size_t i = 0; i < graph_.values().size(); ++i) {
    Value& value = graph_.value({static_cast<int32_t>(i)});
    if (value.parameter.empty()) continue;
    if (!model_.parameters.contains(value.parameter)) {
      throw Error(value.name, "refers to parameter " + value.parameter + ", which the model lacks");
    }
    const Tensor& tensor = model_.parameters.at(value.parameter);
    value.shape = shape_of(tensor.dims());
    value.dtype = tensor.dtype();
  }
}

void ShapeInference::visit(const Node& node) {
  const OpRow* row = find_op(node.op);
  if (!row) throw Error(node.name, "unknown operator " + node.op);
  check_arity(*row, node);
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  // Not vector<bool>: the context wants a span.
  const auto present = std::make_unique<bool[]>(node.inputs.size() + 1);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    present[i] = node.inputs[i].valid();
    shapes.push_back(present[i] ? graph_.value(node.inputs[i]).shape : Shape{});
    const DType dtype = graph_.value(present[i] ? node.inputs[i] : node.inputs[0]).dtype;
    dtypes.push_back(info(dtype).is_float ? DType::kF32 : dtype);
  }
  check_types(*row, node, dtypes);
  const ShapeContext context{
      .node = node,
      .inputs = shapes,
      .present = std::span(present.get(), node.inputs.size()),
      .dtypes = dtypes,
      .constant = [&](int input) { return constant(node.inputs[static_cast<size_t>(input)]); },
      .sizes = [&](int input) { return sizes(node.inputs[static_cast<size_t>(input)]); }};
  std::vector<Shape> outputs = row->infer(context);
  require(outputs.size() >= node.outputs.size(), "a shape rule yields every output");
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    Value& value = graph_.value(node.outputs[i]);
    value.shape = std::move(outputs[i]);
    value.dtype = row->type ? row->type(context, i) : dtypes.empty() ? DType::kF32 : dtypes[0];
  }
  if (node.op == "Constant") constants_.insert_or_assign(node.outputs[0], constant_tensor(node));
  follow_sizes(node);
}

void ShapeInference::check_types(const OpRow& row, const Node& node,
                                 std::span<const DType> dtypes) const {
  if (dtypes.empty() || belongs(dtypes[0], row.types)) return;
  throw Error(node.name, node.op + " takes " + std::string(name_of(row.types)) + ", found " +
                             std::string(name_of(dtypes[0])));
}

const Tensor* ShapeInference::constant(ValueId id) {
  if (!id.valid()) return nullptr;
  const Value& value = graph_.value(id);
  if (!value.parameter.empty()) return &model_.parameters.at(value.parameter);
  const auto it = constants_.find(id);
  return it == constants_.end() ? nullptr : &it->second;
}

const SizeEntries* ShapeInference::sizes(ValueId id) {
  if (!id.valid()) return nullptr;
  if (const auto it = sizes_.find(id); it != sizes_.end()) return &it->second;
  const Tensor* tensor = constant(id);
  if (!tensor || !holds_sizes(tensor->dtype(), shape_of(tensor->dims()))) return nullptr;
  return &(sizes_[id] = entries_of(to_i64(*tensor, graph_.value(id).name)));
}

void ShapeInference::follow_sizes(const Node& node) {
  if (node.outputs.size() != 1) return;
  const Value& output = graph_.value(node.outputs[0]);
  sizes_.erase(node.outputs[0]);
  if (!holds_sizes(output.dtype, output.shape)) return;
  std::vector<const SizeEntries*> inputs;
  for (const ValueId id : node.inputs) inputs.push_back(sizes(id));
  const Shape* first = node.inputs.empty() ? nullptr : &graph_.value(node.inputs[0]).shape;
  auto result = size_arithmetic(node, first, inputs);
  if (result) sizes_.insert_or_assign(node.outputs[0], std::move(*result));
}

void infer_shapes(const Model& model, Graph& graph) {
  ShapeInference inference(model, graph);
  for (const Node& node : graph.nodes()) inference.visit(node);
}

}  // namespace pare::ir
