// SPDX-License-Identifier: Apache-2.0
// Differentiable rows of the operators that move, pick or stand for elements.
#include <algorithm>
#include <numeric>

#include "lib/core/error.hpp"
#include "lib/train/torch_ops.hpp"

namespace pare::train {

namespace {

using ir::attr_float;
using ir::attr_int;
using ir::attr_ints;
using ir::attr_string;
using Ints = std::vector<int64_t>;

int64_t wrapped(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

at::Tensor identity(const NodeCall& call) { return call.inputs[0]; }

// Opset 21 without tensors as attributes: what is left are the scalar and list forms.
at::Tensor constant(const NodeCall& call) {
  const auto& attributes = call.node.attributes;
  if (attributes.contains("value_int"))
    return at::full({}, attr_int(call.node, "value_int", 0), at::kLong);
  if (attributes.contains("value_float"))
    return at::full({}, attr_float(call.node, "value_float", 0));
  if (attributes.contains("value_ints")) {
    const Ints values = attr_ints(call.node, "value_ints", {});
    return at::tensor(at::ArrayRef<int64_t>(values));
  }
  if (const auto it = attributes.find("value_floats"); it != attributes.end()) {
    const auto& values = std::get<std::vector<double>>(it->second);
    return at::tensor(at::ArrayRef<double>(values)).to(at::kFloat);
  }
  throw Error(call.node.name,
              "Constant without a value_int, value_float, value_ints or value_floats");
}

at::Tensor flatten(const NodeCall& call) {
  const at::Tensor& x = call.inputs[0];
  const int64_t axis = wrapped(attr_int(call.node, "axis", 1), x.dim());
  int64_t rows = 1;
  for (int64_t i = 0; i < axis; ++i) rows *= x.size(i);
  return x.reshape({rows, rows == 0 ? 0 : x.numel() / rows});
}

at::Tensor reshape(const NodeCall& call) {
  Ints shape = call.integers(1);
  if (attr_int(call.node, "allowzero", 0) == 0) {
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) shape[i] = call.inputs[0].size(static_cast<int64_t>(i));
    }
  }
  return call.inputs[0].reshape(shape);
}

at::Tensor transpose(const NodeCall& call) {
  Ints reversed(static_cast<size_t>(call.inputs[0].dim()));
  std::iota(reversed.rbegin(), reversed.rend(), int64_t{0});
  return call.inputs[0].permute(attr_ints(call.node, "perm", reversed));
}

at::Tensor concat(const NodeCall& call) {
  return at::cat(at::TensorList(call.inputs.data(), call.inputs.size()),
                 attr_int(call.node, "axis", 0));
}

// One axis of an ONNX Slice. A negative step walks backwards, which at::slice does not know.
at::Tensor sliced(const at::Tensor& x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  const int64_t size = x.size(axis);
  start = wrapped(start, size);
  end = end < 0 ? end + size : end;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    end = std::clamp<int64_t>(end, start, std::max(start, size));
    return at::slice(x, axis, start, end, step);
  }
  start = std::clamp<int64_t>(start, -1, size - 1);
  end = std::clamp<int64_t>(end, -1, size - 1);
  Ints picked;
  for (int64_t i = start; i > end; i += step) picked.push_back(i);
  return at::index_select(x, axis, at::tensor(at::ArrayRef<int64_t>(picked)));
}

at::Tensor slice(const NodeCall& call) {
  const Ints starts = call.integers(1);
  const Ints ends = call.integers(2);
  Ints axes(starts.size());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  if (call.has(3)) axes = call.integers(3);
  const Ints steps = call.has(4) ? call.integers(4) : Ints(starts.size(), 1);
  at::Tensor x = call.inputs[0];
  for (size_t i = 0; i < starts.size(); ++i) {
    if (steps[i] == 0) throw Error(call.node.name, "a step of 0");
    x = sliced(x, wrapped(axes[i], x.dim()), starts[i], ends[i], steps[i]);
  }
  return x;
}

at::Tensor pad(const NodeCall& call) {
  const at::Tensor& x = call.inputs[0];
  const Ints pads = call.integers(1);
  Ints axes(static_cast<size_t>(x.dim()));
  std::iota(axes.begin(), axes.end(), int64_t{0});
  if (call.has(3)) axes = call.integers(3);
  const auto rank = static_cast<size_t>(x.dim());
  Ints torch_pads(2 * rank, 0);  // last dimension first
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto from_last = rank - 1 - static_cast<size_t>(wrapped(axes[i], x.dim()));
    torch_pads[2 * from_last] = pads[i];
    torch_pads[2 * from_last + 1] = pads[i + axes.size()];
  }
  const std::string mode = attr_string(call.node, "mode", "constant");
  if (mode == "constant") return at::constant_pad_nd(x, torch_pads, call.scalar(2, 0));
  // torch wants the reflected dimensions only: untouched leading ones are left out.
  while (torch_pads.size() > 2 && torch_pads[torch_pads.size() - 1] == 0 &&
         torch_pads[torch_pads.size() - 2] == 0) {
    torch_pads.resize(torch_pads.size() - 2);
  }
  return at::pad(x, torch_pads, mode == "edge" ? "replicate" : mode);
}

at::Tensor squeeze(const NodeCall& call) {
  at::Tensor x = call.inputs[0];
  Ints axes = call.has(1) ? call.integers(1) : attr_ints(call.node, "axes", {});
  if (axes.empty()) return x.squeeze();
  for (int64_t& axis : axes) axis = wrapped(axis, x.dim());
  std::ranges::sort(axes, std::greater<>());
  for (const int64_t axis : axes) {
    if (x.size(axis) != 1) throw Error(call.node.name, "squeezes a dimension that is not 1");
    x = x.squeeze(axis);
  }
  return x;
}

at::Tensor unsqueeze(const NodeCall& call) {
  at::Tensor x = call.inputs[0];
  Ints axes = call.has(1) ? call.integers(1) : attr_ints(call.node, "axes", {});
  const int64_t rank = x.dim() + static_cast<int64_t>(axes.size());
  for (int64_t& axis : axes) axis = wrapped(axis, rank);
  std::ranges::sort(axes);
  for (const int64_t axis : axes) x = x.unsqueeze(axis);
  return x;
}

at::Tensor gather(const NodeCall& call) {
  const at::Tensor& x = call.inputs[0];
  const int64_t axis = wrapped(attr_int(call.node, "axis", 0), x.dim());
  at::Tensor indices = call.inputs[1].to(at::kLong);
  indices = at::where(indices.lt(0), indices + x.size(axis), indices);
  const at::Tensor picked = at::index_select(x, axis, indices.reshape({-1}));
  Ints shape(x.sizes().begin(), x.sizes().begin() + axis);
  shape.insert(shape.end(), indices.sizes().begin(), indices.sizes().end());
  shape.insert(shape.end(), x.sizes().begin() + axis + 1, x.sizes().end());
  return picked.reshape(shape);
}

constexpr TorchRow kRows[] = {
    {"Identity", identity},   {"Constant", constant},   {"Flatten", flatten}, {"Reshape", reshape},
    {"Transpose", transpose}, {"Concat", concat},       {"Slice", slice},     {"Pad", pad},
    {"Squeeze", squeeze},     {"Unsqueeze", unsqueeze}, {"Gather", gather},
};

}  // namespace

std::span<const TorchRow> torch_shape_ops() { return kRows; }

}  // namespace pare::train
