// SPDX-License-Identifier: Apache-2.0
// Evaluating what is known before anything runs. One walk infers shapes and evaluates by the
// reference kernels, because shapes further down may depend on values made further up.
#include <algorithm>
#include <map>
#include <set>

#include "lib/core/error.hpp"
#include "lib/ir/infer.hpp"
#include "lib/runtime/fold.hpp"
#include "lib/runtime/kernels/kernels.hpp"

namespace pare::runtime {

namespace {

// Values made of constants may be larger than what they are made of (Expand); beyond this they are
// computed when the model runs, so that a small file stays small.
constexpr int64_t kFreeBytes = int64_t{1} << 20;

int64_t bytes_of(const ir::Value& value) {
  return ir::byte_size(value.dtype, ir::known_dims(value.shape, value.name), value.name);
}

}  // namespace

std::vector<ir::Tensor> evaluate(const ir::Model& model, const ir::Graph& graph,
                                 const ir::Node& node) {
  if (node.op == "Constant") return {ir::constant_tensor(node)};
  StepSpec spec{.name = node.name, .node = node};
  for (const ir::ValueId id : node.inputs) {
    Operand operand{.present = id.valid()};
    if (id.valid()) {
      operand.constant = model.parameters.at(graph.value(id).parameter);
      operand.dims = operand.constant->dims();
      operand.dtype = computed_dtype(operand.constant->dtype());
    }
    spec.inputs.push_back(operand);
  }
  std::vector<ir::Bytes> results;
  for (const ir::ValueId id : node.outputs) {
    const ir::Value& value = graph.value(id);
    spec.outputs.push_back({.dims = ir::known_dims(value.shape, value.name), .dtype = value.dtype});
    results.emplace_back(static_cast<size_t>(bytes_of(value)));
  }
  const Kernel kernel = select_kernel(spec, KernelChoice::kReference);
  const std::vector<std::byte*> inputs(spec.inputs.size(), nullptr);
  std::vector<std::byte*> outputs;
  for (ir::Bytes& bytes : results) outputs.push_back(bytes.data());
  std::vector<std::byte> scratch(static_cast<size_t>(kernel.scratch_bytes));
  kernel.run({.inputs = inputs, .outputs = outputs, .scratch = scratch.data()});
  std::vector<ir::Tensor> tensors;
  for (size_t i = 0; i < results.size(); ++i) {
    tensors.emplace_back(spec.outputs[i].dtype, spec.outputs[i].dims,
                         ir::Buffer::heap(std::move(results[i])));
  }
  return tensors;
}

namespace {

class ConstantFolder {
 public:
  ConstantFolder(ir::Model& model, ir::Graph& graph, bool limited)
      : model_(model), graph_(graph), limited_(limited), inference_(model, graph) {}

  void run() {
    const std::vector<ir::Node> nodes = graph_.nodes();
    for (const ir::Node& original : nodes) {
      ir::Node node = original;
      for (ir::ValueId& id : node.inputs) {
        if (const auto it = same_as_.find(id); it != same_as_.end()) id = it->second;
      }
      if (node.op == "Reshape") simplify_target(node);
      inference_.visit(node);
      if (!fold(node)) kept_.push_back(std::move(node));
    }
  }

  std::vector<ir::Node> take_kept() { return std::move(kept_); }

 private:
  bool fold(const ir::Node& node) {
    if (node.op == "Identity" && is_parameter(node.inputs[0]) && !is_output(node.outputs[0])) {
      same_as_[node.outputs[0]] = node.inputs[0];
      return true;
    }
    if (const auto sizes = known_sizes(node)) {
      make_parameter(node.outputs[0], *sizes);
      return true;
    }
    const bool constant = std::ranges::all_of(
        node.inputs, [&](ir::ValueId id) { return !id.valid() || is_parameter(id); });
    if (!constant || !small_enough(node)) return false;
    std::vector<ir::Tensor> results = evaluate(model_, graph_, node);
    for (size_t i = 0; i < results.size(); ++i) {
      make_parameter(node.outputs[i], std::move(results[i]));
    }
    return true;
  }

  bool is_parameter(ir::ValueId id) const { return !graph_.value(id).parameter.empty(); }
  bool is_output(ir::ValueId id) const {
    return std::ranges::find(graph_.outputs, id) != graph_.outputs.end();
  }

  // Every element of the node's output when it was made of known dimensions.
  std::optional<ir::Tensor> known_sizes(const ir::Node& node) {
    if (node.outputs.size() != 1) return {};
    const ir::SizeEntries* sizes = inference_.sizes(node.outputs[0]);
    if (!sizes || !std::ranges::all_of(*sizes, &ir::SizeEntry::known)) return {};
    std::vector<int64_t> values;
    for (const ir::SizeEntry& entry : *sizes) values.push_back(entry.value);
    const ir::Value& value = graph_.value(node.outputs[0]);
    const ir::Dims dims = ir::known_dims(value.shape, value.name);
    if (value.dtype == ir::DType::kI64) return ir::Tensor::i64(dims, values);
    const std::vector<int32_t> narrow(values.begin(), values.end());
    return ir::Tensor::of<int32_t>(ir::DType::kI32, dims, narrow);
  }

  bool small_enough(const ir::Node& node) const {
    std::set<ir::ValueId> inputs(node.inputs.begin(), node.inputs.end());
    int64_t from = kFreeBytes;
    for (const ir::ValueId id : inputs) {
      if (id.valid()) from = std::max(from, bytes_of(graph_.value(id)));
    }
    for (const ir::ValueId id : node.outputs) {
      const ir::Value& value = graph_.value(id);
      for (const ir::Dim& dim : value.shape) {
        if (!dim.known()) return false;
      }
      if (limited_ && bytes_of(value) > from) return false;
    }
    return true;
  }

  // A target that holds symbols as 0 (copied) and one -1 (inferred), when that says the same.
  void simplify_target(ir::Node& node) {
    if (is_parameter(node.inputs[1]) || ir::attr_int(node, "allowzero", 0) != 0) return;
    const ir::SizeEntries* sizes = inference_.sizes(node.inputs[1]);
    if (!sizes) return;
    const ir::Shape& from = graph_.value(node.inputs[0]).shape;
    std::vector<int64_t> target;
    for (size_t i = 0; i < sizes->size(); ++i) {
      const ir::SizeEntry& entry = (*sizes)[i];
      const bool copied = !entry.known() && i < from.size() && from[i].symbol == entry.symbol;
      target.push_back(entry.known() ? entry.value : copied ? 0 : -1);
    }
    if (std::ranges::count(target, -1) > 1) return;
    ir::Value value;
    value.name = unused_name(node.name + ".shape");
    value.dtype = ir::DType::kI64;
    node.inputs[1] = graph_.add_value(std::move(value));
    const ir::Dims dims{static_cast<int64_t>(target.size())};
    make_parameter(node.inputs[1], ir::Tensor::i64(dims, target));
  }

  std::string unused_name(std::string name) const {
    while (graph_.find(name).valid()) name += "_";
    return name;
  }

  void make_parameter(ir::ValueId id, ir::Tensor tensor) {
    ir::Value& value = graph_.value(id);
    std::string name = value.name;
    while (model_.parameters.contains(name)) name += ".constant";
    value.shape = ir::shape_of(tensor.dims());
    value.dtype = tensor.dtype();
    value.parameter = name;
    model_.parameters.set(name, std::move(tensor));
  }

  ir::Model& model_;
  ir::Graph& graph_;
  bool limited_;
  ir::ShapeInference inference_;
  std::vector<ir::Node> kept_;
  std::map<ir::ValueId, ir::ValueId> same_as_;
};

// Nodes that a graph output depends on, in their order.
std::vector<ir::Node> without_dead(const ir::Graph& graph, std::vector<ir::Node> nodes) {
  std::set<ir::ValueId> needed(graph.outputs.begin(), graph.outputs.end());
  for (const ir::StatePair& state : graph.states) needed.insert(state.output);
  std::vector<ir::Node> kept;
  while (!nodes.empty()) {
    ir::Node node = std::move(nodes.back());
    nodes.pop_back();
    if (std::ranges::none_of(node.outputs, [&](ir::ValueId id) { return needed.contains(id); })) {
      continue;
    }
    needed.insert(node.inputs.begin(), node.inputs.end());
    kept.push_back(std::move(node));
  }
  std::ranges::reverse(kept);
  return kept;
}

std::set<std::string> used_parameters(const ir::Graph& graph) {
  std::set<std::string> names;
  for (const ir::Value& value : graph.values()) {
    if (!value.parameter.empty()) names.insert(value.parameter);
  }
  return names;
}

}  // namespace

void fold_constants(ir::Model& model, ir::Graph& graph) {
  ConstantFolder folder(model, graph, false);
  folder.run();
  graph.rebuild(folder.take_kept());
}

void fold_shape_arithmetic(ir::Model& model, ir::Graph& graph) {
  std::set<std::string> before = used_parameters(graph);
  ConstantFolder folder(model, graph, true);
  folder.run();
  before.merge(used_parameters(graph));
  graph.rebuild(without_dead(graph, folder.take_kept()));
  std::set<std::string> after = used_parameters(graph);
  for (const ir::Graph& other : model.graphs) after.merge(used_parameters(other));
  for (const std::string& name : before) {
    if (!after.contains(name)) model.parameters.erase(name);
  }
}

}  // namespace pare::runtime
