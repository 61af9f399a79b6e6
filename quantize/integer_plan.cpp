// SPDX-License-Identifier: Apache-2.0
#include "quantize/integer_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "lib/ir/ops.hpp"
#include "lib/runtime/fuse.hpp"

namespace pare::quantize {

namespace {

class Analysis {
 public:
  Analysis(const ir::Model& model, const std::vector<LayerPlan>& plan, Residuals residuals)
      : model_(model), graph_(model.main()), steps_(runtime::fuse(model, graph_)) {
    if (residuals == Residuals::kSplit) split_residuals();
    for (const LayerPlan& layer : plan) bits_[layer.layer.parameter] = layer.bits;
  }

  std::vector<QuantizedValues> run() {
    for (const auto& step : steps_) {
      if (rule(step) == ir::IntegerRule::kPassThrough && is_activation(input(step, 0))) {
        root_[output(step)] = root_of(input(step, 0));
      }
    }
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) require_inputs(*step);
    std::vector<QuantizedValues> out;
    for (const ir::ValueId id : runtime::materialised_values(model_, graph_, kept_)) {
      const ir::ValueId root = root_of(id);
      if (!needed_.contains(root)) continue;
      if (root == id) out.push_back({.root = root});
      const auto group = std::ranges::find(out, root, &QuantizedValues::root);
      if (group != out.end()) group->members.push_back(id);
    }
    return out;
  }

 private:
  // Both operands of an addition stay in memory: kept alone, the one would leave the Add to the
  // other.
  void split_residuals() {
    for (const runtime::Fusion& step : steps_) {
      if (!step.residual.valid()) continue;
      kept_.push_back(graph_.node(step.main).outputs.front());
      kept_.push_back(step.residual);
    }
    steps_ = runtime::fuse(model_, graph_, kept_);
  }

  ir::IntegerRule rule(const runtime::Fusion& step) const {
    const ir::OpRow* row = ir::find_op(graph_.node(step.main).op);
    return row != nullptr ? row->integer : ir::IntegerRule::kNone;
  }
  ir::ValueId input(const runtime::Fusion& step, size_t i) const {
    const auto& inputs = graph_.node(step.main).inputs;
    return i < inputs.size() ? inputs[i] : ir::ValueId{};
  }
  ir::ValueId output(const runtime::Fusion& step) const {
    return graph_.node(step.last()).outputs.front();
  }
  bool is_activation(ir::ValueId id) const {
    return id.valid() && graph_.value(id).parameter.empty() &&
           graph_.value(id).dtype == ir::DType::kF32;
  }
  ir::ValueId root_of(ir::ValueId id) const {
    const auto it = root_.find(id);
    return it == root_.end() ? id : it->second;
  }

  bool linear_in_integers(const runtime::Fusion& step) const {
    const ir::Node& node = graph_.node(step.main);
    const auto bits = bits_.find(graph_.value(node.inputs[1]).parameter);
    if (!is_activation(input(step, 0)) || bits == bits_.end()) return false;
    return bits->second == 8 ? integer_linear(model_, graph_, node)
                             : integer_groups(model_, graph_, node);
  }

  // Elementwise steps rescale every operand's codes, so each has to be an activation.
  bool others_in_integers(const runtime::Fusion& step) const {
    const ir::Node& node = graph_.node(step.main);
    if (rule(step) == ir::IntegerRule::kNone || !needed_.contains(root_of(output(step))))
      return false;
    if (rule(step) != ir::IntegerRule::kElementwise) return is_activation(input(step, 0));
    return std::ranges::all_of(node.inputs, [&](ir::ValueId id) { return is_activation(id); });
  }

  void require_inputs(const runtime::Fusion& step) {
    if (rule(step) == ir::IntegerRule::kPassThrough) return;  // shares the scale already
    if (rule(step) == ir::IntegerRule::kLinear) {
      if (!linear_in_integers(step)) return;
      needed_.insert(root_of(input(step, 0)));
      if (step.residual.valid()) needed_.insert(root_of(step.residual));
      return;
    }
    if (!others_in_integers(step)) return;
    for (const ir::ValueId id : graph_.node(step.main).inputs) {
      if (is_activation(id)) needed_.insert(root_of(id));
    }
  }

  const ir::Model& model_;
  const ir::Graph& graph_;
  std::vector<runtime::Fusion> steps_;
  std::vector<ir::ValueId> kept_;
  std::map<std::string, int> bits_;  // of planned weights
  std::map<ir::ValueId, ir::ValueId> root_;
  std::set<ir::ValueId> needed_;  // roots
};

}  // namespace

bool integer_linear(const ir::Model& model, const ir::Graph& graph, const ir::Node& node) {
  const ir::Tensor& weight = model.parameters.at(graph.value(node.inputs[1]).parameter);
  if (node.op != "Conv" && weight.dims().size() != 2) return false;
  if (node.op == "Gemm" &&
      (ir::attr_int(node, "transA", 0) != 0 || ir::attr_float(node, "alpha", 1) != 1 ||
       ir::attr_float(node, "beta", 1) != 1)) {
    return false;
  }
  if (node.inputs.size() < 3 || !node.inputs[2].valid()) return true;
  const std::string& bias = graph.value(node.inputs[2]).parameter;
  if (bias.empty()) return false;
  const auto axis =
      static_cast<size_t>(ir::weight_output_axis(node, static_cast<int>(weight.dims().size())));
  const int64_t count = model.parameters.at(bias).count();
  return count == weight.dims()[axis] || count == 1;
}

bool integer_groups(const ir::Model& model, const ir::Graph& graph, const ir::Node& node) {
  return node.op == "Gemm" && ir::attr_int(node, "transB", 0) != 0 &&
         integer_linear(model, graph, node);
}

std::vector<QuantizedValues> quantized_values(const ir::Model& model,
                                              const std::vector<LayerPlan>& plan,
                                              Residuals residuals) {
  return Analysis(model, plan, residuals).run();
}

}  // namespace pare::quantize
