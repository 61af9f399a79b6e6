// SPDX-License-Identifier: Apache-2.0
// Shapes of operators that pick elements by position: Slice, Pad, Gather; and Constant.
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

Shapes constant(const ShapeContext& c) {
  if (c.node.attributes.size() != 1) {
    throw Error(c.node.name, "Constant has " + std::to_string(c.node.attributes.size()) +
                                 " attributes instead of one value");
  }
  const Attribute& value = c.node.attributes.begin()->second;
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
    return {{Dim(static_cast<int64_t>(ints->size()))}};
  }
  if (const auto* floats = std::get_if<std::vector<double>>(&value)) {
    return {{Dim(static_cast<int64_t>(floats->size()))}};
  }
  return {Shape{}};
}

}  // namespace pare::ir::rules
