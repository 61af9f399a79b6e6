// SPDX-License-Identifier: Apache-2.0
// Shapes of reductions and of what picks or accumulates along an axis.
#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

namespace {

Shape without(const Shape& x, const std::vector<bool>& reduced, bool keep) {
  Shape out;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!reduced[i]) out.push_back(x[i]);
    if (reduced[i] && keep) out.emplace_back(1);
  }
  return out;
}

}  // namespace

Shapes reduce(const ShapeContext& c) {
  const Shape& x = c.inputs[0];
  std::vector<int64_t> stated;
  if (has(c, 1)) stated = constant_ints(c, 1, "axes");
  if (stated.empty()) {
    if (attr_int(c.node, "noop_with_empty_axes", 0) != 0) return {x};
    for (int i = 0; i < rank(x); ++i) stated.push_back(i);
  }
  std::vector<bool> reduced(x.size());
  for (const int axis : normalized_axes(c.node, stated, rank(x)))
    reduced[static_cast<size_t>(axis)] = true;
  return {without(x, reduced, attr_int(c.node, "keepdims", 1) != 0)};
}

Shapes arg_reduce(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 1);
  std::vector<bool> reduced(x.size());
  reduced[static_cast<size_t>(normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(x)))] =
      true;
  return {without(x, reduced, attr_int(c.node, "keepdims", 1) != 0)};
}

Shapes cumulate(const ShapeContext& c) {
  const auto axis = constant_ints(c, 1, "axis");
  if (axis.size() != 1) throw Error(c.node.name, "axis of " + c.node.op + " is one number");
  normalized_axis(c.node, axis[0], rank(c.inputs[0]));
  return {c.inputs[0]};
}

Shapes top_k(const ShapeContext& c) {
  Shape out = input_of_rank(c, 0, 1);
  const auto k = constant_ints(c, 1, "k");
  Dim& dim =
      out[static_cast<size_t>(normalized_axis(c.node, attr_int(c.node, "axis", -1), rank(out)))];
  if (k.size() != 1 || k[0] < 0 || !dim.known() || k[0] > dim.size) {
    throw Error(c.node.name, "TopK of " + to_string(k) + " of " + to_string(c.inputs[0]));
  }
  dim = Dim(k[0]);
  return {out, out};
}

}  // namespace pare::ir::rules
