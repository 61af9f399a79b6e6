// SPDX-License-Identifier: Apache-2.0
// Shapes of whole layers: normalisation, recurrence.
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

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

// Outputs: normalised, mean, inverse deviation; the statistics have 1 where they were taken.
Shapes layer_normalization(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 1);
  const int axis = normalized_axis(c.node, attr_int(c.node, "axis", -1), rank(x));
  for (size_t i = 1; i < c.inputs.size(); ++i) {
    if (has(c, i) && broadcast(c.node, x, c.inputs[i]) != x) {
      throw Error(c.node.name, c.node.op + " over " + to_string(x) + " with parameters of " +
                                   to_string(c.inputs[i]));
    }
  }
  Shape statistics = x;
  for (size_t i = static_cast<size_t>(axis); i < x.size(); ++i) statistics[i] = Dim(1);
  return {x, statistics, statistics};
}

Shapes channel_normalization(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 2);
  const bool grouped = c.node.op == "GroupNormalization";
  const int64_t groups = grouped ? attr_int(c.node, "num_groups", 0) : 1;
  const bool divides = x[1].known() && groups >= 1 && x[1].size % groups == 0;
  if (!divides || c.inputs[1] != Shape{x[1]} || c.inputs[2] != Shape{x[1]}) {
    throw Error(c.node.name, c.node.op + " of " + to_string(x) + " with scale " +
                                 to_string(c.inputs[1]) + " and bias " + to_string(c.inputs[2]));
  }
  return {x};
}

Shapes at_least_2d(const ShapeContext& c) {
  if (attr_int(c.node, "size", 0) < 1) throw Error(c.node.name, "size of LRN is not positive");
  return {input_of_rank(c, 0, 2)};
}

Shapes normalised_axes(const ShapeContext& c) {
  normalized_axes(c.node, attr_ints(c.node, "axes", {0, 2, 3}), rank(c.inputs[0]));
  return {c.inputs[0]};
}

namespace {

void expect(const ShapeContext& c, size_t input, const Shape& shape) {
  if (!has(c, input) || c.inputs[input] == shape) return;
  throw Error(c.node.name, "input " + std::to_string(input) + " of " + c.node.op + " should be " +
                               to_string(shape) + ", found " + to_string(c.inputs[input]));
}

}  // namespace

// X [time, batch, in] (layout 0) or [batch, time, in] (layout 1), W [directions, gates * hidden,
// in], R [directions, gates * hidden, hidden], B [directions, 2 * gates * hidden]. Outputs Y
// [time, directions, batch, hidden] or [batch, time, directions, hidden], Y_h and for LSTM Y_c
// [directions, batch, hidden] or [batch, directions, hidden].
Shapes recurrent(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 3);
  const Dims w = known_dims(input_of_rank(c, 1, 3), c.node.name);
  const Dims r = known_dims(input_of_rank(c, 2, 3), c.node.name);
  const int64_t gates = c.node.op == "LSTM" ? 4 : c.node.op == "GRU" ? 3 : 1;
  const std::string direction = attr_string(c.node, "direction", "forward");
  const int64_t directions = direction == "bidirectional" ? 2 : 1;
  const int64_t hidden = r[2];
  const bool batch_first = attr_int(c.node, "layout", 0) != 0;
  if (x.size() != 3 || direction.empty() ||
      (directions == 1 && direction != "forward" && direction != "reverse") ||
      attr_int(c.node, "hidden_size", hidden) != hidden || hidden < 1 || hidden > kLargestDim / 8) {
    throw Error(c.node.name, c.node.op + " " + direction + " of " + to_string(x) +
                                 " with a hidden size of " + std::to_string(hidden));
  }
  const Dim time = x[batch_first ? 1 : 0];
  const Dim batch = x[batch_first ? 0 : 1];
  expect(c, 1, {Dim(directions), Dim(gates * hidden), x[2]});
  expect(c, 2, {Dim(directions), Dim(gates * hidden), Dim(hidden)});
  expect(c, 3, {Dim(directions), Dim(2 * gates * hidden)});
  expect(c, 4, {batch});
  Shape state{Dim(directions), batch, Dim(hidden)};
  Shape all{time, Dim(directions), batch, Dim(hidden)};
  if (batch_first) {
    state = {batch, Dim(directions), Dim(hidden)};
    all = {batch, time, Dim(directions), Dim(hidden)};
  }
  expect(c, 5, state);
  if (c.node.op == "LSTM") {
    expect(c, 6, state);
    expect(c, 7, {Dim(directions), Dim(3 * hidden)});
  }
  return {all, state, state};
}

}  // namespace pare::ir::rules
