// SPDX-License-Identifier: Apache-2.0
// Shapes of operators that pick elements by position: Slice, Pad, Gather and their kin.
#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

namespace {

// The axes an optional input names, else 0, 1, ... `count`.
std::vector<int64_t> axes_or_first(const ShapeContext& c, int input, size_t count) {
  if (has(c, static_cast<size_t>(input))) return constant_ints(c, input, "axes");
  std::vector<int64_t> axes;
  for (size_t i = 0; i < count; ++i) axes.push_back(static_cast<int64_t>(i));
  return axes;
}

void check_reduction(const ShapeContext& c) {
  const std::string reduction = attr_string(c.node, "reduction", "none");
  for (const char* known : {"none", "add", "mul", "min", "max"}) {
    if (reduction == known) return;
  }
  throw Error(c.node.name, "reduction is " + reduction);
}

}  // namespace

Shapes slice(const ShapeContext& c) {
  Shape out = c.inputs[0];
  const auto starts = constant_ints(c, 1, "starts");
  const auto ends = constant_ints(c, 2, "ends");
  const auto axes = axes_or_first(c, 3, starts.size());
  const auto steps =
      has(c, 4) ? constant_ints(c, 4, "steps") : std::vector<int64_t>(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    throw Error(c.node.name, "starts, ends, axes and steps differ in length");
  }
  normalized_axes(c.node, axes, rank(out));  // refuses repeated axes
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = out[static_cast<size_t>(normalized_axis(c.node, axes[i], rank(out)))];
    const bool whole = starts[i] == 0 && ends[i] >= kLargestDim && steps[i] == 1;
    if (whole && !dim.known()) continue;
    if (!dim.known()) throw Error(c.node.name, "Slice of dimension " + dim.symbol);
    dim = Dim(slice_range(c.node, dim.size, starts[i], ends[i], steps[i]).count);
  }
  return {out};
}

Shapes pad(const ShapeContext& c) {
  Shape out = c.inputs[0];
  const auto pads = constant_ints(c, 1, "pads");
  const auto axes = axes_or_first(c, 3, out.size());
  if (pads.size() != 2 * axes.size()) {
    throw Error(c.node.name, "pads has " + std::to_string(pads.size()) + " entries for " +
                                 std::to_string(axes.size()) + " axes");
  }
  const std::string mode = attr_string(c.node, "mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap") {
    throw Error(c.node.name, "pad mode is " + mode);
  }
  normalized_axes(c.node, axes, rank(out));
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = out[static_cast<size_t>(normalized_axis(c.node, axes[i], rank(out)))];
    const int64_t before = pads[i];
    const int64_t after = pads[axes.size() + i];
    if (before == 0 && after == 0) continue;
    const bool sane = before >= -kLargestDim && before <= kLargestDim && after >= -kLargestDim &&
                      after <= kLargestDim;
    if (!dim.known() || !sane || dim.size + before + after < 0) {
      throw Error(c.node.name, "pads of " + std::to_string(before) + " and " +
                                   std::to_string(after) + " do not fit " + to_string(c.inputs[0]));
    }
    dim = Dim(dim.size + before + after);
  }
  return {out};
}

Shapes gather(const ShapeContext& c) {
  const Shape& data = input_of_rank(c, 0, 1);
  const int axis = normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(data));
  Shape out(data.begin(), data.begin() + axis);
  out.insert(out.end(), c.inputs[1].begin(), c.inputs[1].end());
  out.insert(out.end(), data.begin() + axis + 1, data.end());
  return {out};
}

Shapes gather_elements(const ShapeContext& c) {
  const Shape& data = input_of_rank(c, 0, 1);
  normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(data));
  if (c.inputs[1].size() != data.size()) {
    throw Error(c.node.name, "indices " + to_string(c.inputs[1]) + " into " + to_string(data));
  }
  return {c.inputs[1]};
}

Shapes gather_nd(const ShapeContext& c) {
  const Shape& data = input_of_rank(c, 0, 1);
  const Shape& indices = input_of_rank(c, 1, 1);
  const int64_t batch = attr_int(c.node, "batch_dims", 0);
  const Dim& depth = indices.back();
  const bool fits = batch >= 0 && batch < rank(indices) && depth.known() && depth.size >= 0 &&
                    batch + depth.size <= rank(data);
  if (!fits || !std::equal(indices.begin(), indices.begin() + batch, data.begin())) {
    throw Error(c.node.name, "indices " + to_string(indices) + " into " + to_string(data));
  }
  Shape out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), data.begin() + batch + depth.size, data.end());
  return {out};
}

Shapes scatter_elements(const ShapeContext& c) {
  const Shape& data = input_of_rank(c, 0, 1);
  normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(data));
  bool fits =
      c.inputs[1].size() == data.size() && c.inputs[1] == c.inputs[2] && c.dtypes[2] == c.dtypes[0];
  for (size_t i = 0; fits && i < data.size(); ++i) {
    fits = c.inputs[1][i] == data[i] || (c.inputs[1][i].known() && data[i].known());
  }
  if (!fits) {
    throw Error(c.node.name, c.node.op + " of " + to_string(c.inputs[2]) + " by indices " +
                                 to_string(c.inputs[1]) + " into " + to_string(data));
  }
  check_reduction(c);
  return {data};
}

Shapes scatter_nd(const ShapeContext& c) {
  const Shape& data = input_of_rank(c, 0, 1);
  const Shape& indices = input_of_rank(c, 1, 1);
  const Dim& depth = indices.back();
  bool fits = depth.known() && depth.size <= rank(data) && c.dtypes[2] == c.dtypes[0];
  if (fits) {
    Shape expected(indices.begin(), indices.end() - 1);
    expected.insert(expected.end(), data.begin() + depth.size, data.end());
    fits = expected == c.inputs[2];
  }
  if (!fits) {
    throw Error(c.node.name, c.node.op + " of " + to_string(c.inputs[2]) + " by indices " +
                                 to_string(indices) + " into " + to_string(data));
  }
  check_reduction(c);
  return {data};
}

// How many elements stay depends on the condition, so it has to be known.
Shapes compress(const ShapeContext& c) {
  const Tensor* condition = c.constant(1);
  if (!condition) throw Error(c.node.name, "condition of Compress should be a constant");
  if (condition->dims().size() != 1) {
    throw Error(c.node.name, "condition of Compress is " + to_string(condition->dims()));
  }
  const std::vector<int64_t> flags = to_i64(*condition, c.node.name);
  const auto kept =
      static_cast<int64_t>(std::ranges::count_if(flags, [](int64_t f) { return f != 0; }));
  const bool flat = !c.node.attributes.contains("axis");
  Shape out = c.inputs[0];
  const int64_t length = flat ? element_count(known_dims(out, c.node.name), c.node.name)
                              : out.at(static_cast<size_t>(normalized_axis(
                                           c.node, attr_int(c.node, "axis", 0), rank(out))))
                                    .size;
  if (static_cast<int64_t>(flags.size()) > length) {
    throw Error(c.node.name, "condition is longer than the input");
  }
  if (flat) return {{Dim(kept)}};
  out[static_cast<size_t>(normalized_axis(c.node, attr_int(c.node, "axis", 0), rank(out)))] =
      Dim(kept);
  return {out};
}

Shapes reverse_sequence(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 2);
  const int64_t batch = attr_int(c.node, "batch_axis", 1);
  const int64_t time = attr_int(c.node, "time_axis", 0);
  const bool axes = (batch == 0 && time == 1) || (batch == 1 && time == 0);
  if (!axes || c.inputs[1] != Shape{x[static_cast<size_t>(batch)]}) {
    throw Error(c.node.name,
                "ReverseSequence of " + to_string(x) + " with lengths " + to_string(c.inputs[1]));
  }
  return {x};
}

Shapes trilu(const ShapeContext& c) {
  input_of_rank(c, 0, 2);
  if (has(c, 1) && constant_ints(c, 1, "k").size() != 1) {
    throw Error(c.node.name, "k of Trilu is one number");
  }
  return {c.inputs[0]};
}

}  // namespace pare::ir::rules
