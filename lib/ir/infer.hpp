// SPDX-License-Identifier: Apache-2.0
// Shape and dtype inference one node at a time, for rewrites that change a graph while they walk
// it; infer_shapes() of ops.hpp is the whole walk. Besides shapes it follows the contents of small
// integer values that are made of dimensions (Shape, then Gather, Concat, Mul, ...), as numbers and
// symbols, because other operators take their shapes from them.
#pragma once

#include <map>

#include "lib/ir/ops.hpp"

namespace pare::ir {

class ShapeInference {
 public:
  // Sets shape and dtype of the values that are parameters. Both must outlive this.
  ShapeInference(const Model& model, Graph& graph);

  // Sets shape and dtype of the node's outputs. Nodes are visited in the graph's order. Throws
  // Error(node.name).
  void visit(const Node& node);

  // Elements of an i64 or i32 value of rank 0 or 1 that is a constant or was made of dimensions.
  // Null when nothing is known of them. Valid until the next call.
  const SizeEntries* sizes(ValueId id);

 private:
  const Tensor* constant(ValueId id);
  void check_types(const OpRow& row, const Node& node, std::span<const DType> dtypes) const;
  void follow_sizes(const Node& node);

  const Model& model_;
  Graph& graph_;
  std::map<ValueId, Tensor> constants_;  // of Constant nodes
  std::map<ValueId, SizeEntries> sizes_;
};

// What a Constant node holds: one of its value_* attributes. Throws Error(node.name).
Tensor constant_tensor(const Node& node);

}  // namespace pare::ir
