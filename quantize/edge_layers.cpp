// SPDX-License-Identifier: Apache-2.0
#include "quantize/edge_layers.hpp"

#include <algorithm>
#include <ranges>

#include "lib/ir/ops.hpp"

namespace pare::quantize {

namespace {

// The parameter that `node` takes as its weight, or "".
std::string weight_of(const ir::Graph& graph, const ir::Node& node) {
  const ir::OpRow* row = ir::find_op(node.op);
  if (row == nullptr || row->weight_input < 0) return {};
  const auto at = static_cast<size_t>(row->weight_input);
  return at < node.inputs.size() && node.inputs[at].valid() ? graph.value(node.inputs[at]).parameter
                                                            : "";
}

}  // namespace

std::set<std::string> edge_layers(const ir::Model& model) {
  std::set<std::string> edges;
  if (model.graphs.empty()) return edges;
  const ir::Graph& graph = model.main();
  std::set<ir::ValueId> from_input(graph.inputs.begin(), graph.inputs.end());
  for (const ir::Node& node : graph.nodes()) {
    const bool reached =
        std::ranges::any_of(node.inputs, [&](auto id) { return from_input.contains(id); });
    if (!reached) continue;
    const std::string weight = weight_of(graph, node);
    if (!weight.empty()) {
      edges.insert(weight);
    } else {
      from_input.insert(node.outputs.begin(), node.outputs.end());
    }
  }
  std::set<ir::ValueId> to_output(graph.outputs.begin(), graph.outputs.end());
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    const bool reaches =
        std::ranges::any_of(node->outputs, [&](auto id) { return to_output.contains(id); });
    if (!reaches) continue;
    const std::string weight = weight_of(graph, *node);
    if (!weight.empty()) {
      edges.insert(weight);
    } else {
      to_output.insert(node->inputs.begin(), node->inputs.end());
    }
  }
  return edges;
}

}  // namespace pare::quantize
