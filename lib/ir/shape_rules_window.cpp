// SPDX-License-Identifier: Apache-2.0
// Shapes of convolutions and pools. Spatial sizes must be known, batch may be symbolic.
#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

namespace {

Dims spatial_of(const ShapeContext& c, const Shape& x) {
  return known_dims(Shape(x.begin() + 2, x.end()), c.node.name);
}

Shape with_spatial(const Dim& batch, const Dim& channels, const Dims& spatial) {
  Shape out{batch, channels};
  for (const int64_t size : spatial) out.emplace_back(size);
  return out;
}

}  // namespace

Shapes conv(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 3);
  const Dims w = known_dims(input_of_rank(c, 1, 3), c.node.name);
  const int64_t group = attr_int(c.node, "group", 1);
  if (w.size() != x.size() || !x[1].known() || group < 1 || x[1].size % group != 0 ||
      x[1].size / group != w[1] || w[0] % group != 0) {
    throw Error(c.node.name, "Conv of " + to_string(x) + " with weight " + to_string(w) + " in " +
                                 std::to_string(group) + " groups");
  }
  if (has(c, 2) && c.inputs[2] != Shape{w[0]}) {
    throw Error(c.node.name, "Conv bias should be [" + std::to_string(w[0]) + "], found " +
                                 to_string(c.inputs[2]));
  }
  const Window window = window_of(c.node, spatial_of(c, x), Dims(w.begin() + 2, w.end()));
  return {with_spatial(x[0], w[0], window.output)};
}

// The weight is [in, out / group, kernel...].
Shapes conv_transpose(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 3);
  const Dims w = known_dims(input_of_rank(c, 1, 3), c.node.name);
  const int64_t group = attr_int(c.node, "group", 1);
  if (w.size() != x.size() || x[1] != Dim(w[0]) || group < 1 || w[0] % group != 0) {
    throw Error(c.node.name, "ConvTranspose of " + to_string(x) + " with weight " + to_string(w) +
                                 " in " + std::to_string(group) + " groups");
  }
  const int64_t channels = checked_mul(w[1], group, c.node.name);
  if (has(c, 2) && c.inputs[2] != Shape{channels}) {
    throw Error(c.node.name, "ConvTranspose bias should be [" + std::to_string(channels) +
                                 "], found " + to_string(c.inputs[2]));
  }
  const Window window =
      transposed_window_of(c.node, spatial_of(c, x), Dims(w.begin() + 2, w.end()));
  return {with_spatial(x[0], channels, window.output)};
}

Shapes pool(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 3);
  const Dims kernel = attr_ints(c.node, "kernel_shape", {});
  if (kernel.size() + 2 != x.size()) {
    throw Error(c.node.name, "kernel_shape " + to_string(kernel) + " over input " + to_string(x));
  }
  const Window window = window_of(c.node, spatial_of(c, x), kernel);
  const Shape out = with_spatial(x[0], x[1], window.output);
  return {out, out};
}

Shapes global_pool(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 3);
  return {with_spatial(x[0], x[1], Dims(x.size() - 2, 1))};
}

}  // namespace pare::ir::rules
