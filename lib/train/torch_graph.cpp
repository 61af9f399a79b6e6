// SPDX-License-Identifier: Apache-2.0
#include "lib/train/torch_graph.hpp"

#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/pass/options.hpp"

namespace pare::train {

namespace {

constexpr size_t kBatchNormMean = 3;  // inputs 3 and 4: running mean and variance

// Whether training changes a float parameter that is input `index` of `node`.
bool is_trained(const ir::Node& node, size_t index, int64_t count) {
  if (node.op == "BatchNormalization") return index < kBatchNormMean;
  if (node.op == "Add" || node.op == "Sub" || node.op == "Mul" || node.op == "Div") {
    return count > 1;  // a lone scalar is a constant of the architecture, not a weight
  }
  if (node.op == "MatMul" || node.op == "Gather") return true;
  const ir::OpRow* row = ir::find_op(node.op);
  if (!row || row->weight_input < 0) return false;
  const auto weight = static_cast<size_t>(row->weight_input);
  return index == weight || index == weight + 1;
}

// Whether convolutions should run channels-last: faster by a quarter when every width fills whole
// vectors of 16, slower by up to 80 % when one does not (bench/fashion-mnist's teacher and
// student).
bool prefers_channels_last(const ir::Model& model, const ir::Graph& graph) {
  bool any = false;
  for (const ir::Node& node : graph.nodes()) {
    if (node.op != "Conv") continue;
    const std::string& weight = graph.value(node.inputs[1]).parameter;
    if (weight.empty() || model.parameters.at(weight).dims().size() != 4 ||
        model.parameters.at(weight).dims()[0] % 16 != 0) {
      return false;
    }
    any = true;
  }
  return any;
}

// The strides are set outright: for one channel both layouts hold the same bytes, and torch would
// otherwise take the tensor for the default one.
at::Tensor channels_last(const at::Tensor& x) {
  const int64_t c = x.size(1), h = x.size(2), w = x.size(3);
  return x.contiguous(at::MemoryFormat::ChannelsLast)
      .as_strided(x.sizes(), {c * h * w, 1, w * c, c});
}

at::Tensor constant_tensor(const ir::Tensor& tensor) {
  const ir::Dims& dims = tensor.dims();
  if (tensor.dtype() == ir::DType::kF32 || ir::info(tensor.dtype()).is_float) {
    const std::vector<float> values = ir::to_f32(tensor);
    return at::tensor(at::ArrayRef<float>(values)).reshape(dims);
  }
  const std::vector<int64_t> values = ir::to_i64(tensor);
  return at::tensor(at::ArrayRef<int64_t>(values)).reshape(dims);
}

}  // namespace

TorchGraph::TorchGraph(const ir::Model& model, std::string subject, FlatTensors& weights)
    : subject_(std::move(subject)),
      graph_(model.main()),
      preprocessing_(model.metadata.preprocessing),
      weights_(weights) {
  if (graph_.inputs.size() != 1 || graph_.value(graph_.inputs[0]).dtype != ir::DType::kF32) {
    throw Error(subject_, "training needs a graph with one f32 input");
  }
  if (graph_.outputs.empty()) throw Error(subject_, "the graph has no output");
  const ir::Shape& input = graph_.value(graph_.inputs[0]).shape;
  if (input.size() < 2) throw Error(subject_, "the input has no batch dimension");
  item_dims_ = ir::known_dims({input.begin() + 1, input.end()}, subject_);
  for (const ir::Node& node : graph_.nodes()) {
    rows_.push_back(find_torch_op(node.op));
    if (!rows_.back()) throw Error(node.name, "training through " + node.op + " is not supported");
  }
  logits_ = graph_.outputs[0];
  const ir::NodeId last = graph_.producer(logits_);
  if (last.valid() && graph_.node(last).op == "Softmax") logits_ = graph_.node(last).inputs[0];
  channels_last_ = item_dims_.size() == 3 && prefers_channels_last(model, graph_);
  bind_parameters(model);
  plan_lifetimes();
}

TorchGraph::Kind TorchGraph::kind_of(ir::ValueId value, const ir::Tensor& tensor) const {
  if (!ir::info(tensor.dtype()).is_float) return Kind::kConstant;
  for (const ir::NodeId id : graph_.consumers(value)) {
    const ir::Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != value) continue;
      if (node.op == "BatchNormalization" && i >= kBatchNormMean) return Kind::kStatistic;
      if (is_trained(node, i, tensor.count())) return Kind::kWeight;
    }
  }
  return Kind::kConstant;
}

void TorchGraph::bind_parameters(const ir::Model& model) {
  for (size_t i = 0; i < graph_.values().size(); ++i) {
    const ir::ValueId id{static_cast<int32_t>(i)};
    const std::string& name = graph_.value(id).parameter;
    if (name.empty() || bound_.contains(name)) continue;
    const ir::Tensor& tensor = model.parameters.at(name);
    const Kind kind = kind_of(id, tensor);
    size_t index = 0;
    if (kind == Kind::kConstant) {
      index = constants_.size();
      constants_.push_back(constant_tensor(tensor));
    } else {
      FlatTensors& home = kind == Kind::kWeight ? weights_ : statistics_;
      index = home.add(name, tensor.dims(), ir::to_f32(tensor));
    }
    bound_.emplace(name, Bound{kind, index});
  }
  statistics_.seal(false);
}

void TorchGraph::plan_lifetimes() {
  std::vector<size_t> last(graph_.values().size(), SIZE_MAX);
  const auto& nodes = graph_.nodes();
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const ir::ValueId id : nodes[n].inputs) {
      if (id.valid()) last[static_cast<size_t>(id.index)] = n;
    }
  }
  last_uses_.resize(nodes.size());
  for (size_t v = 0; v < last.size(); ++v) {
    const bool kept =
        static_cast<int32_t>(v) == logits_.index || !graph_.values()[v].parameter.empty();
    if (last[v] != SIZE_MAX && !kept) last_uses_[last[v]].push_back(v);
  }
}

at::Tensor TorchGraph::parameter_tensor(const Bound& bound) const {
  switch (bound.kind) {
    case Kind::kWeight:
      return weights_.tensor(bound.index);
    case Kind::kStatistic:
      return statistics_.tensor(bound.index);
    case Kind::kConstant:
      return constants_[bound.index];
  }
  throw Bug("parameter kind");
}

ir::ValueId TorchGraph::find(const std::string& value_name) const {
  const ir::ValueId id = graph_.find(value_name);
  if (id.valid()) return id;
  std::vector<std::string> names;
  for (const auto& value : graph_.values()) names.push_back(value.name);
  const std::string hint = pass::nearest(value_name, names);
  throw Error(subject_, "has no value \"" + escaped(value_name) + "\"" +
                            (hint.empty() ? "" : "; did you mean \"" + escaped(hint) + "\"?"));
}

int64_t TorchGraph::classes() const {
  const ir::Shape& shape = graph_.value(logits_).shape;
  return shape.size() == 2 && shape[1].known() ? shape[1].size : -1;
}

void TorchGraph::run_node(const ir::Node& node, const TorchRow& row, bool training,
                          std::vector<at::Tensor>& values) const {
  std::vector<at::Tensor> inputs;
  inputs.reserve(node.inputs.size());
  for (const ir::ValueId id : node.inputs) {
    inputs.push_back(id.valid() ? values[static_cast<size_t>(id.index)] : at::Tensor());
  }
  try {
    values[static_cast<size_t>(node.outputs.at(0).index)] =
        row.run({.node = node, .inputs = inputs, .training = training});
  } catch (const c10::Error& e) {
    throw Error(node.name, node.op + ": " + e.what_without_backtrace());
  }
}

at::Tensor TorchGraph::forward(const at::Tensor& input, bool training,
                               std::span<const ir::ValueId> watch,
                               std::vector<at::Tensor>* watched) {
  std::vector<at::Tensor> values(graph_.values().size());
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string& parameter = graph_.values()[i].parameter;
    if (!parameter.empty()) values[i] = parameter_tensor(bound_.at(parameter));
  }
  values[static_cast<size_t>(graph_.inputs[0].index)] =
      channels_last_ ? channels_last(input) : input;
  const auto& nodes = graph_.nodes();
  const auto watches = [&](size_t v) {
    return std::ranges::any_of(watch,
                               [&](ir::ValueId id) { return static_cast<size_t>(id.index) == v; });
  };
  for (size_t n = 0; n < nodes.size(); ++n) {
    run_node(nodes[n], *rows_[n], training, values);
    for (const size_t v : last_uses_[n]) {
      if (!watches(v)) values[v] = at::Tensor();
    }
  }
  if (watched) {
    watched->clear();
    for (const ir::ValueId id : watch) watched->push_back(values[static_cast<size_t>(id.index)]);
  }
  return values[static_cast<size_t>(logits_.index)];
}

ir::Model TorchGraph::updated(ir::Model model) {
  for (const auto& [name, bound] : bound_) {
    if (bound.kind == Kind::kConstant) continue;
    FlatTensors& home = bound.kind == Kind::kWeight ? weights_ : statistics_;
    model.parameters.set(
        name, ir::Tensor::f32(model.parameters.at(name).dims(), home.values(bound.index)));
  }
  return model;
}

}  // namespace pare::train
