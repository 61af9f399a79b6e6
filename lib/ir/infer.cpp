// SPDX-License-Identifier: Apache-2.0
// Shape and dtype inference: one walk over the nodes in their (topological) order.
#include <map>
#include <memory>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {

namespace {

// What a Constant node holds, for operands that decide shapes.
Tensor constant_tensor(const Node& node) {
  require(node.attributes.size() == 1, "the shape rule of Constant has checked its one value");
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

class Inference {
 public:
  Inference(const Model& model, Graph& graph) : model_(model), graph_(graph) {}

  void run() {
    for (size_t i = 0; i < graph_.values().size(); ++i) {
      Value& value = graph_.value({static_cast<int32_t>(i)});
      if (value.parameter.empty()) continue;
      if (!model_.parameters.contains(value.parameter)) {
        throw Error(value.name,
                    "refers to parameter " + value.parameter + ", which the model lacks");
      }
      const Tensor& tensor = model_.parameters.at(value.parameter);
      value.shape = shape_of(tensor.dims());
      value.dtype = tensor.dtype();
    }
    for (const Node& node : graph_.nodes()) visit(node);
  }

 private:
  void visit(const Node& node) {
    const OpRow* row = find_op(node.op);
    if (!row) throw Error(node.name, "unknown operator " + node.op);
    std::vector<Shape> shapes;
    // Not vector<bool>: the context wants a span.
    const auto present = std::make_unique<bool[]>(node.inputs.size() + 1);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      present[i] = node.inputs[i].valid();
      shapes.push_back(present[i] ? graph_.value(node.inputs[i]).shape : Shape{});
    }
    check_arity(*row, node);
    const ShapeContext context{node, shapes, std::span(present.get(), node.inputs.size()),
                               [&](int input) { return constant(node, input); }};
    const std::vector<Shape> outputs = row->infer(context);
    require(outputs.size() == node.outputs.size(), "a shape rule yields every output");
    for (size_t i = 0; i < outputs.size(); ++i) {
      Value& value = graph_.value(node.outputs[i]);
      value.shape = outputs[i];
      value.dtype = output_dtype(node);
    }
  }

  static void check_arity(const OpRow& row, const Node& node) {
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
    if (static_cast<int>(node.outputs.size()) != row.outputs) {
      throw Error(node.name,
                  node.op + " does not have " + std::to_string(node.outputs.size()) + " outputs");
    }
  }

  const Tensor* constant(const Node& node, int input) {
    const ValueId id = node.inputs[static_cast<size_t>(input)];
    const Value& value = graph_.value(id);
    if (!value.parameter.empty()) return &model_.parameters.at(value.parameter);
    const auto it = constants_.find(id);
    return it == constants_.end() ? nullptr : &it->second;
  }

  // Floating values are computed in f32 whatever their parameters are stored as.
  DType output_dtype(const Node& node) {
    DType dtype = DType::kF32;
    if (node.op == "Constant") {
      const auto it = constants_.emplace(node.outputs[0], constant_tensor(node)).first;
      dtype = it->second.dtype();
    } else {
      dtype = graph_.value(node.inputs[0]).dtype;
    }
    return info(dtype).is_float ? DType::kF32 : dtype;
  }

  const Model& model_;
  Graph& graph_;
  std::map<ValueId, Tensor> constants_;
};

}  // namespace

void infer_shapes(const Model& model, Graph& graph) { Inference(model, graph).run(); }

}  // namespace pare::ir
