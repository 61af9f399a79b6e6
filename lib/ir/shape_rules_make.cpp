// SPDX-License-Identifier: Apache-2.0
// Shapes of values that are made of numbers or of other values' shapes.
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/ir/shape_rules.hpp"

namespace pare::ir::rules {

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

Shapes constant_of_shape(const ShapeContext& c) {
  Shape out;
  for (const SizeEntry& entry : sizes_of(c, 0, "shape")) out.push_back(dim_of(c, entry));
  return {out};
}

Shapes shape(const ShapeContext& c) {
  const int64_t size = rank(c.inputs[0]);
  const auto at = [&](const char* key, int64_t fallback) {
    const int64_t stated = attr_int(c.node, key, fallback);
    return std::clamp<int64_t>(stated < 0 ? stated + size : stated, 0, size);
  };
  return {{Dim(std::max<int64_t>(0, at("end", size) - at("start", 0)))}};
}

Shapes size(const ShapeContext&) { return {Shape{}}; }

// The number of elements is max(ceil((limit - start) / delta), 0).
Shapes range(const ShapeContext& c) {
  double bounds[3] = {};
  for (int i = 0; i < 3; ++i) {
    const Tensor* tensor = c.constant(i);
    if (!tensor) throw Error(c.node.name, "start, limit and delta of Range should be constants");
    if (tensor->count() != 1 || c.dtypes[static_cast<size_t>(i)] != c.dtypes[0]) {
      throw Error(c.node.name, "start, limit and delta of Range are scalars of one type");
    }
    const bool real = info(tensor->dtype()).is_float;
    bounds[i] = real ? to_f32(*tensor)[0] : static_cast<double>(to_i64(*tensor, c.node.name)[0]);
  }
  const double count = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
  if (bounds[2] == 0 || !(count <= static_cast<double>(kLargestDim))) {
    throw Error(c.node.name, "Range from " + std::to_string(bounds[0]) + " to " +
                                 std::to_string(bounds[1]) + " by " + std::to_string(bounds[2]));
  }
  return {{Dim(static_cast<int64_t>(std::max(count, 0.0)))}};
}

Shapes one_hot(const ShapeContext& c) {
  const Tensor* depth = c.constant(1);
  if (!depth || depth->count() != 1) {
    throw Error(c.node.name, "depth of OneHot should be a constant number");
  }
  const bool real = info(depth->dtype()).is_float;
  const auto size = real ? static_cast<double>(to_f32(*depth)[0])
                         : static_cast<double>(to_i64(*depth, c.node.name)[0]);
  if (!(size >= 0 && size <= static_cast<double>(kLargestDim)) || c.inputs[2] != Shape{Dim(2)}) {
    throw Error(c.node.name, "OneHot of depth " + std::to_string(size) + " with values " +
                                 to_string(c.inputs[2]));
  }
  Shape out = c.inputs[0];
  const int axis = normalized_axis(c.node, attr_int(c.node, "axis", -1), rank(out) + 1);
  out.insert(out.begin() + axis, Dim(static_cast<int64_t>(size)));
  return {out};
}

Shapes eye_like(const ShapeContext& c) {
  if (rank(c.inputs[0]) != 2) {
    throw Error(c.node.name, "EyeLike of " + to_string(c.inputs[0]) + ", which is no matrix");
  }
  return {c.inputs[0]};
}

// The number of elements depends on the input's contents, so they have to be known.
Shapes non_zero(const ShapeContext& c) {
  const Tensor* x = c.constant(0);
  if (!x) throw Error(c.node.name, "input of NonZero should be a constant");
  int64_t count = 0;
  for (const float v : to_f32(*x)) count += v != 0 ? 1 : 0;
  return {{Dim(static_cast<int64_t>(x->dims().size())), Dim(count)}};
}

}  // namespace pare::ir::rules
