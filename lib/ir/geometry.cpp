// SPDX-License-Identifier: Apache-2.0
// ONNX's rules for windows, axes, slices and broadcasting, with every size bounded before it is
// added.
#include "lib/ir/geometry.hpp"

#include <algorithm>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"

namespace pare::ir {

namespace {

constexpr int64_t kLargestAttribute = int64_t{1} << 31;

// A list attribute with one entry a spatial dimension (or `per_dim` entries), each in [min, 2^31].
Dims window_attribute(const Node& node, const char* key, size_t count, int64_t fallback,
                      int64_t min) {
  Dims values = attr_ints(node, key, Dims(count, fallback));
  if (values.size() != count) {
    throw Error(node.name, std::string(key) + " should have " + std::to_string(count) +
                               " entries, found " + std::to_string(values.size()));
  }
  for (const int64_t v : values) {
    if (v < min || v > kLargestAttribute) {
      throw Error(node.name, std::string(key) + " holds " + std::to_string(v));
    }
  }
  return values;
}

int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

// SAME_UPPER / SAME_LOWER: output is ceil(input / stride), padding split evenly, the odd one
// last/first.
void pad_same(Window& w, size_t i, int64_t size, int64_t reach, bool upper) {
  w.output[i] = ceil_div(size, w.strides[i]);
  const int64_t total = std::max<int64_t>(0, (w.output[i] - 1) * w.strides[i] + reach - size);
  const int64_t less = total / 2;
  w.pads_begin[i] = upper ? less : total - less;
  w.pads_end[i] = total - w.pads_begin[i];
}

void slide(const Node& node, Window& w, size_t i, int64_t size, int64_t reach, bool ceil_mode) {
  const int64_t room = size + w.pads_begin[i] + w.pads_end[i] - reach;
  if (room < 0) {
    throw Error(node.name, "window of " + std::to_string(reach) + " does not fit input of " +
                               std::to_string(size));
  }
  int64_t count = (ceil_mode ? ceil_div(room, w.strides[i]) : room / w.strides[i]) + 1;
  // A window that would start in the padding at the end is dropped.
  if (ceil_mode && (count - 1) * w.strides[i] >= size + w.pads_begin[i]) --count;
  w.output[i] = count;
}

}  // namespace

namespace {

// Kernel, strides and dilations; pads as stated, or none under another auto_pad.
Window stated_window(const Node& node, const Dims& spatial, const Dims& kernel) {
  const size_t rank = spatial.size();
  Window w;
  w.kernel = kernel;
  const Dims stated = window_attribute(node, "kernel_shape", rank, 1, 1);
  if (node.attributes.contains("kernel_shape") && stated != kernel) {
    throw Error(node.name,
                "kernel_shape " + to_string(stated) + " but the kernel is " + to_string(kernel));
  }
  w.strides = window_attribute(node, "strides", rank, 1, 1);
  w.dilations = window_attribute(node, "dilations", rank, 1, 1);
  const Dims pads = window_attribute(node, "pads", 2 * rank, 0, 0);
  const bool explicit_pads = attr_string(node, "auto_pad", "NOTSET") == "NOTSET";
  for (size_t i = 0; i < rank; ++i) {
    if (kernel[i] < 1 || kernel[i] > kLargestAttribute || spatial[i] > kLargestDim) {
      throw Error(node.name, "window " + to_string(kernel) + " over " + to_string(spatial));
    }
    w.pads_begin.push_back(explicit_pads ? pads[i] : 0);
    w.pads_end.push_back(explicit_pads ? pads[rank + i] : 0);
  }
  w.output.assign(rank, 0);
  return w;
}

// Whether padding follows from the sizes; throws Error on an unknown auto_pad.
bool pads_same(const Node& node) {
  const std::string auto_pad = attr_string(node, "auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID") {
    throw Error(node.name, "auto_pad is " + auto_pad);
  }
  return same;
}

int64_t reach_of(const Window& w, size_t i) { return (w.kernel[i] - 1) * w.dilations[i] + 1; }

}  // namespace

Window window_of(const Node& node, const Dims& spatial, const Dims& kernel) {
  Window w = stated_window(node, spatial, kernel);
  const bool same = pads_same(node);
  const bool upper = attr_string(node, "auto_pad", "NOTSET") == "SAME_UPPER";
  const bool ceil_mode = attr_int(node, "ceil_mode", 0) != 0;
  for (size_t i = 0; i < spatial.size(); ++i) {
    if (same) {
      pad_same(w, i, spatial[i], reach_of(w, i), upper);
    } else {
      slide(node, w, i, spatial[i], reach_of(w, i), ceil_mode);
    }
  }
  return w;
}

Window transposed_window_of(const Node& node, const Dims& spatial, const Dims& kernel) {
  const size_t rank = spatial.size();
  Window w = stated_window(node, spatial, kernel);
  const bool same = pads_same(node);
  const bool upper = attr_string(node, "auto_pad", "NOTSET") == "SAME_UPPER";
  const Dims extra = window_attribute(node, "output_padding", rank, 0, 0);
  const bool stated = node.attributes.contains("output_shape");
  const Dims output = window_attribute(node, "output_shape", rank, 1, 1);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t full =
        checked_mul(spatial[i] - 1, w.strides[i], node.name) + reach_of(w, i) + extra[i];
    if (stated || same) {
      w.output[i] = stated ? output[i] : checked_mul(spatial[i], w.strides[i], node.name);
      const int64_t total = std::max<int64_t>(0, full - w.output[i]);
      w.pads_begin[i] = upper ? total / 2 : total - total / 2;
      w.pads_end[i] = total - w.pads_begin[i];
    } else {
      w.output[i] = full - w.pads_begin[i] - w.pads_end[i];
    }
    if (spatial[i] < 1 || w.output[i] < 1 || w.output[i] > kLargestDim) {
      throw Error(node.name, "ConvTranspose of " + to_string(spatial) + " leaves nothing");
    }
  }
  return w;
}

int normalized_axis(const Node& node, int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    throw Error(node.name,
                "axis " + std::to_string(axis) + " of " + std::to_string(rank) + " dimensions");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::vector<int> normalized_axes(const Node& node, std::span<const int64_t> axes, int rank) {
  std::vector<int> out;
  for (const int64_t axis : axes) out.push_back(normalized_axis(node, axis, rank));
  std::ranges::sort(out);
  if (std::ranges::adjacent_find(out) != out.end()) throw Error(node.name, "an axis is repeated");
  return out;
}

SliceRange slice_range(const Node& node, int64_t size, int64_t start, int64_t end, int64_t step) {
  if (step == 0) throw Error(node.name, "slice step is 0");
  // Bounds as large as INT64_MAX mean "to the end"; clamp before adding.
  const auto absolute = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? std::max(at, -size - 1) + size : at, low, high);
  };
  step = std::clamp(step, -kLargestDim, kLargestDim);
  SliceRange range{.step = step};
  if (step > 0) {
    range.start = absolute(start, 0, size);
    range.count = std::max<int64_t>(0, ceil_div(absolute(end, 0, size) - range.start, step));
  } else {
    range.start = absolute(start, 0, std::max<int64_t>(0, size - 1));
    const int64_t last = absolute(end, -1, std::max<int64_t>(0, size - 1));
    range.count = size == 0 ? 0 : std::max<int64_t>(0, ceil_div(range.start - last, -step));
  }
  return range;
}

Shape broadcast(const Node& node, const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  for (size_t i = 0; i < rank; ++i) {  // i counts from the back
    const Dim x = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim y = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    if (x != y && x != Dim(1) && y != Dim(1)) {
      throw Error(node.name,
                  "shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
    }
    out[rank - 1 - i] = x == Dim(1) ? y : x;
  }
  return out;
}

}  // namespace pare::ir
