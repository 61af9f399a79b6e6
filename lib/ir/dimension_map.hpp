// SPDX-License-Identifier: Apache-2.0
// Which output dimension of a node follows which input dimension: the ops table's map strings,
// resolved for one node's attributes and shapes. Dimensions with the same label have the same size
// and are cut together by structured pruning; label 0 follows nothing.
#pragma once

#include <optional>
#include <vector>

#include "lib/ir/ops.hpp"

namespace pare::ir {

struct DimensionMap {
  std::vector<std::vector<int>> inputs;  // [input][axis]; empty for an absent input
  std::vector<int> output;               // of output 0, [axis]

  // The output axis that follows `axis` of `input`, if any.
  std::optional<int> output_axis(int input, int axis) const;
};

// Shapes must have been inferred. Throws Error(node.name) on an unknown operator.
DimensionMap dimension_map(const Model& model, const Graph& graph, const Node& node);

}  // namespace pare::ir
