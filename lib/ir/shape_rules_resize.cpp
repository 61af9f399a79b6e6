// SPDX-License-Identifier: Apache-2.0
// The shape of Resize: sizes given, or input sizes times scales, for all axes or those it names.
#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

namespace {

// The one scale of a policy that keeps the aspect ratio: the largest that fits into the sizes, or
// the smallest that covers them.
double common_scale(const ShapeContext& c, const Shape& x, const std::vector<int>& axes,
                    const SizeEntries& sizes, bool larger) {
  double scale = larger ? 0 : HUGE_VAL;
  for (size_t i = 0; i < axes.size(); ++i) {
    const Dim& dim = x[static_cast<size_t>(axes[i])];
    if (!dim.known() || dim.size < 1 || !sizes[i].known()) {
      throw Error(c.node.name, "Resize of " + to_string(x) + " that keeps the aspect ratio");
    }
    const double wanted = static_cast<double>(sizes[i].value) / static_cast<double>(dim.size);
    scale = larger ? std::max(scale, wanted) : std::min(scale, wanted);
  }
  return scale;
}

Dim scaled(const ShapeContext& c, const Dim& dim, double size) {
  if (!dim.known() || !(size >= 0 && size <= static_cast<double>(kLargestDim))) {
    throw Error(c.node.name, "Resize of a dimension to " + std::to_string(size));
  }
  return Dim(static_cast<int64_t>(size));
}

Shape by_scales(const ShapeContext& c, const std::vector<int>& axes) {
  const Tensor* tensor = c.constant(2);
  if (!tensor) throw Error(c.node.name, "scales of Resize should be constant");
  const std::vector<float> scales = to_f32(*tensor);
  const bool crop =
      attr_string(c.node, "coordinate_transformation_mode", "") == "tf_crop_and_resize";
  const Tensor* region = crop && has(c, 1) ? c.constant(1) : nullptr;
  const std::vector<float> roi = region ? to_f32(*region) : std::vector<float>();
  if (scales.size() != axes.size() || (crop && roi.size() != 2 * axes.size())) {
    throw Error(c.node.name, "Resize has " + std::to_string(scales.size()) + " scales for " +
                                 std::to_string(axes.size()) + " axes");
  }
  Shape out = c.inputs[0];
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = out[static_cast<size_t>(axes[i])];
    if (scales[i] == 1 && !crop) continue;
    const float part = crop ? roi[axes.size() + i] - roi[i] : 1.0F;
    dim = scaled(c, dim, std::floor(static_cast<float>(dim.size) * part * scales[i]));
  }
  return out;
}

Shape by_sizes(const ShapeContext& c, const std::vector<int>& axes) {
  const SizeEntries& sizes = sizes_of(c, 3, "sizes");
  if (sizes.size() != axes.size()) {
    throw Error(c.node.name, "Resize has " + std::to_string(sizes.size()) + " sizes for " +
                                 std::to_string(axes.size()) + " axes");
  }
  const std::string policy = attr_string(c.node, "keep_aspect_ratio_policy", "stretch");
  Shape out = c.inputs[0];
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller") {
    throw Error(c.node.name, "keep_aspect_ratio_policy is " + policy);
  }
  const double scale =
      policy == "stretch" ? 1 : common_scale(c, out, axes, sizes, policy == "not_smaller");
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = out[static_cast<size_t>(axes[i])];
    dim = policy == "stretch"
              ? dim_of(c, sizes[i])
              : scaled(c, dim, std::floor(scale * static_cast<double>(dim.size) + 0.5));
  }
  return out;
}

}  // namespace

Shapes resize(const ShapeContext& c) {
  const Shape& x = input_of_rank(c, 0, 1);
  std::vector<int> axes;
  for (int i = 0; i < rank(x); ++i) axes.push_back(i);
  if (c.node.attributes.contains("axes")) {
    axes.clear();
    for (const int64_t axis : attr_ints(c.node, "axes", {})) {
      axes.push_back(normalized_axis(c.node, axis, rank(x)));
    }
  }
  const bool sizes = has(c, 3);
  const bool scales = has(c, 2) && !(c.constant(2) && c.constant(2)->count() == 0);
  if (sizes == scales) throw Error(c.node.name, "Resize takes either scales or sizes");
  Shape out = sizes ? by_sizes(c, axes) : by_scales(c, axes);
  for (size_t i = 0; i < out.size(); ++i) {
    if (x[i] == Dim(0) && out[i] != Dim(0)) throw Error(c.node.name, "Resize of nothing");
  }
  return {out};
}

}  // namespace pare::ir::rules
