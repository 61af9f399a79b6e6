// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/fuse.hpp"

#include <algorithm>
#include <set>

#include "lib/ir/ops.hpp"

namespace pare::runtime {

namespace {

bool is_parameter(const ir::Graph& graph, ir::ValueId id) {
  return id.valid() && !graph.value(id).parameter.empty();
}

// A bound of Clip: infinity when absent, nullopt when it is known only at run time.
std::optional<float> clip_bound(const ir::Model& model, const ir::Graph& graph,
                                const ir::Node& node, size_t input, float absent) {
  if (node.inputs.size() <= input || !node.inputs[input].valid()) {
    return ir::attr_float(node, input == 1 ? "min" : "max", absent);
  }
  const ir::Value& value = graph.value(node.inputs[input]);
  if (value.parameter.empty()) return std::nullopt;
  const ir::Tensor& tensor = model.parameters.at(value.parameter);
  if (tensor.count() != 1) return std::nullopt;
  return ir::to_f32(tensor).front();
}

class Fuser {
 public:
  Fuser(const ir::Model& model, const ir::Graph& graph, std::span<const ir::ValueId> keep)
      : model_(model), graph_(graph), consumers_(graph.values().size()) {
    for (size_t n = 0; n < graph.nodes().size(); ++n) {
      for (const ir::ValueId id : graph.nodes()[n].inputs) {
        if (id.valid()) consumers_[static_cast<size_t>(id.index)].push_back(static_cast<int>(n));
      }
    }
    kept_.insert(keep.begin(), keep.end());
    kept_.insert(graph.outputs.begin(), graph.outputs.end());
    for (const ir::StatePair& state : graph.states) kept_.insert(state.output);
  }

  std::vector<Fusion> run() {
    std::vector<bool> taken(graph_.nodes().size(), false);
    std::vector<Fusion> out;
    for (size_t n = 0; n < graph_.nodes().size(); ++n) {
      if (taken[n]) continue;
      const Fusion fusion = grow(ir::NodeId{static_cast<int32_t>(n)});
      for (const ir::NodeId id : {fusion.main, fusion.add, fusion.activation}) {
        if (id.valid()) taken[static_cast<size_t>(id.index)] = true;
      }
      out.push_back(fusion);
    }
    std::sort(out.begin(), out.end(),
              [](const Fusion& a, const Fusion& b) { return a.last() < b.last(); });
    return out;
  }

 private:
  // The one node that uses `id`, or invalid when it must stay in memory.
  ir::NodeId only_consumer(ir::ValueId id) const {
    const std::vector<int>& users = consumers_[static_cast<size_t>(id.index)];
    // Imported models may quantize between steps that we would fuse.
    if (users.size() != 1 || kept_.contains(id) || graph_.value(id).quant) return {};
    return ir::NodeId{users.front()};
  }

  Fusion grow(ir::NodeId main) const {
    Fusion fusion{.main = main};
    const ir::Node& node = graph_.node(main);
    const bool linear = (node.op == "Conv" || node.op == "Gemm" || node.op == "MatMul") &&
                        is_parameter(graph_, node.inputs.at(1));
    ir::ValueId end = node.outputs.front();
    if ((!linear && node.op != "Add") || graph_.value(end).dtype != ir::DType::kF32) return fusion;
    if (linear) take_residual(fusion, end);
    take_activation(fusion, end);
    return fusion;
  }

  void take_residual(Fusion& fusion, ir::ValueId& end) const {
    const ir::NodeId next = only_consumer(end);
    if (!next.valid() || graph_.node(next).op != "Add") return;
    const ir::Node& add = graph_.node(next);
    const ir::ValueId other = add.inputs[0] == end ? add.inputs[1] : add.inputs[0];
    if (other == end || is_parameter(graph_, other)) return;
    if (graph_.value(other).shape != graph_.value(end).shape) return;
    // Of two candidates the one that is made last takes the Add: the other is in memory by then.
    const ir::NodeId other_producer = graph_.producer(other);
    if (other_producer.valid() && other_producer > fusion.main && could_take(other)) return;
    fusion.add = next;
    fusion.residual = other;
    end = add.outputs.front();
  }

  // Whether the producer of `id` is itself a linear node that could absorb the Add.
  bool could_take(ir::ValueId id) const {
    const ir::Node& node = graph_.node(graph_.producer(id));
    return (node.op == "Conv" || node.op == "Gemm" || node.op == "MatMul") &&
           is_parameter(graph_, node.inputs.at(1)) && only_consumer(id).valid();
  }

  void take_activation(Fusion& fusion, ir::ValueId end) const {
    const ir::NodeId next = only_consumer(end);
    if (!next.valid()) return;
    const ir::Node& node = graph_.node(next);
    if (node.inputs.front() != end) return;
    if (node.op == "Relu") {
      fusion.activation = next;
      fusion.clamp.low = 0.0F;
    } else if (node.op == "Clip") {
      const auto low = clip_bound(model_, graph_, node, 1, fusion.clamp.low);
      const auto high = clip_bound(model_, graph_, node, 2, fusion.clamp.high);
      if (!low || !high) return;
      fusion.activation = next;
      fusion.clamp = {.low = *low, .high = *high};
    }
  }

  const ir::Model& model_;
  const ir::Graph& graph_;
  std::vector<std::vector<int>> consumers_;
  std::set<ir::ValueId> kept_;
};

}  // namespace

std::vector<Fusion> fuse(const ir::Model& model, const ir::Graph& graph,
                         std::span<const ir::ValueId> keep) {
  return Fuser(model, graph, keep).run();
}

std::vector<ir::ValueId> materialised_values(const ir::Model& model, const ir::Graph& graph,
                                             std::span<const ir::ValueId> keep) {
  std::vector<ir::ValueId> out;
  const auto add = [&](ir::ValueId id) {
    if (id.valid() && graph.value(id).dtype == ir::DType::kF32) out.push_back(id);
  };
  for (const ir::ValueId id : graph.inputs) add(id);
  for (const Fusion& fusion : fuse(model, graph, keep)) {
    for (const ir::ValueId id : graph.node(fusion.last()).outputs) add(id);
  }
  return out;
}

}  // namespace pare::runtime
