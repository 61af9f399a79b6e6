// SPDX-License-Identifier: Apache-2.0
// Counting parameters and multiply-accumulates from the graph alone; no tensor bytes are read.
#include <set>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {

namespace {

// Operands that are no trained weights: running statistics, limits, fill values.
bool is_statistic_or_limit(const std::string& op, size_t input) {
  const OpRow* row = find_op(op);
  return (op == "BatchNormalization" && input >= 3) || (row && wants_constant(*row, input));
}

// Names that some node uses only in such a role.
std::set<std::string, std::less<>> untrained(const Model& model) {
  std::set<std::string, std::less<>> roles, trained;
  for (const Graph& graph : model.graphs) {
    for (const Node& node : graph.nodes()) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (!node.inputs[i].valid()) continue;
        const std::string& name = graph.value(node.inputs[i]).parameter;
        if (!name.empty()) (is_statistic_or_limit(node.op, i) ? roles : trained).insert(name);
      }
    }
  }
  for (const std::string& name : trained) roles.erase(name);
  return roles;
}

// Symbolic dimensions count as 1: one item, one new token.
int64_t elements(const Shape& shape) {
  int64_t count = 1;
  for (const Dim& dim : shape) count = checked_mul(count, dim.known() ? dim.size : 1, "graph");
  return count;
}

}  // namespace

int64_t parameter_count(const Model& model) {
  const auto skipped = untrained(model);
  int64_t count = 0;
  for (const auto& entry : model.parameters.entries()) {
    const bool real = info(entry.tensor.dtype()).is_float;
    if (real && !skipped.contains(entry.name)) count += entry.tensor.count();
  }
  return count;
}

int64_t mac_count(const Model& model, const Graph& graph) {
  (void)model;
  int64_t macs = 0;
  for (const Node& node : graph.nodes())
    macs = checked_add(macs, node_macs(graph, node), graph.name);
  return macs;
}

int64_t node_macs(const Graph& graph, const Node& node) {
  const OpRow* row = find_op(node.op);
  if (!row || row->integer != IntegerRule::kLinear) return 0;
  const Shape& weight = graph.value(node.inputs[1]).shape;
  const int64_t out = elements(graph.value(node.outputs[0]).shape);
  int64_t inner = 1;  // multiplications for one output element
  if (node.op == "Conv") {
    inner = elements(Shape(weight.begin() + 1, weight.end()));
  } else if (node.op == "Gemm") {
    const bool trans_b = attr_int(node, "transB", 0) != 0;
    inner = elements({weight[trans_b ? 1 : 0]});
  } else {
    inner = elements({graph.value(node.inputs[0]).shape.back()});
  }
  return checked_mul(out, inner, node.name);
}

}  // namespace pare::ir
