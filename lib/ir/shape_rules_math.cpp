// SPDX-License-Identifier: Apache-2.0
// Shapes of arithmetic: element by element, matrix products, normalisation, reductions.
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

const Shape& input_of_rank(const ShapeContext& c, int input, int at_least) {
  const Shape& shape = c.inputs[static_cast<size_t>(input)];
  if (rank(shape) < at_least) {
    throw Error(c.node.name, c.node.op + " input " + std::to_string(input) + " " +
                                 to_string(shape) + " should have at least " +
                                 std::to_string(at_least) + " dimensions");
  }
  return shape;
}

std::vector<int64_t> constant_ints(const ShapeContext& c, int input, const char* what) {
  const Tensor* tensor = c.constant(input);
  if (!tensor) throw Error(c.node.name, std::string(what) + " should be a constant");
  if (tensor->dims().size() > 1 || tensor->count() > 64) {
    throw Error(c.node.name, std::string(what) + " has shape " + to_string(tensor->dims()));
  }
  return to_i64(*tensor, c.node.name);
}

Shapes same(const ShapeContext& c) { return {c.inputs[0]}; }

Shapes elementwise(const ShapeContext& c) {
  Shape out = c.inputs[0];
  for (size_t i = 1; i < c.inputs.size(); ++i) out = broadcast(c.node, out, c.inputs[i]);
  return {out};
}

Shapes clip(const ShapeContext& c) {
  for (size_t i = 1; i < c.inputs.size(); ++i) {
    if (has(c, i) && !c.inputs[i].empty()) {
      throw Error(c.node.name, "limits of Clip are scalars, found " + to_string(c.inputs[i]));
    }
  }
  return {c.inputs[0]};
}

Shapes along_axis(const ShapeContext& c) {
  normalized_axis(c.node, attr_int(c.node, "axis", -1), rank(c.inputs[0]));
  return {c.inputs[0]};
}

Shapes batch_normalization(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 2);
  for (size_t i = 1; i < 5; ++i) {
    if (c.inputs[i] != Shape{x[1]}) {
      throw Error(c.node.name, "BatchNormalization over " + to_string(x) +
                                   " takes parameters of [" + to_string(Shape{x[1]}) + "], found " +
                                   to_string(c.inputs[i]));
    }
  }
  if (attr_int(c.node, "training_mode", 0) != 0) {
    throw Error(c.node.name, "training_mode is not for inference graphs");
  }
  return {x};
}

Shapes gemm(const ShapeContext& c) {
  const Shape& a = input_of_rank(c, 0, 2);
  const Shape& b = input_of_rank(c, 1, 2);
  const bool trans_a = attr_int(c.node, "transA", 0) != 0;
  const bool trans_b = attr_int(c.node, "transB", 0) != 0;
  const Dim& inner_a = a[trans_a ? 0 : 1];
  const Dim& inner_b = b[trans_b ? 1 : 0];
  if (a.size() != 2 || b.size() != 2 || inner_a != inner_b) {
    throw Error(c.node.name, "Gemm of " + to_string(a) + (trans_a ? "^T" : "") + " and " +
                                 to_string(b) + (trans_b ? "^T" : ""));
  }
  Shape out{a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
  if (has(c, 2) && broadcast(c.node, out, c.inputs[2]) != out) {
    throw Error(c.node.name,
                "Gemm bias " + to_string(c.inputs[2]) + " does not broadcast to " + to_string(out));
  }
  return {out};
}

Shapes matmul(const ShapeContext& c) {
  Shape a = input_of_rank(c, 0, 1);
  Shape b = input_of_rank(c, 1, 1);
  const bool vector_a = a.size() == 1;
  const bool vector_b = b.size() == 1;
  if (vector_a) a.insert(a.begin(), Dim(1));
  if (vector_b) b.push_back(Dim(1));
  if (a[a.size() - 1] != b[b.size() - 2]) {
    throw Error(c.node.name,
                "MatMul of " + to_string(c.inputs[0]) + " and " + to_string(c.inputs[1]));
  }
  Shape out = broadcast(c.node, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  if (!vector_a) out.push_back(a[a.size() - 2]);
  if (!vector_b) out.push_back(b.back());
  return {out};
}

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
  const bool keep = attr_int(c.node, "keepdims", 1) != 0;
  Shape out;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!reduced[i]) out.push_back(x[i]);
    if (reduced[i] && keep) out.emplace_back(1);
  }
  return {out};
}

}  // namespace pare::ir::rules
