// SPDX-License-Identifier: Apache-2.0
// Operators with a window: pooling, padding, resizing.
#include <algorithm>
#include <array>
#include <cmath>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

// The operators name their spatial rank: max_pool2d.
size_t spatial_rank(const Call& call) {
  for (const char digit : {'1', '2', '3'}) {
    if (call.name().find(std::string{digit, 'd'}) != std::string_view::npos) {
      return static_cast<size_t>(digit - '0');
    }
  }
  call.refuse("has no known number of dimensions");
}

ValueId image(const Call& call, const char* name) {
  const ValueId x = call.floating(name);
  if (call.emit.rank(x) != static_cast<int>(spatial_rank(call)) + 2) {
    call.refuse("takes " + std::to_string(spatial_rank(call) + 2) + " dimensions, got " +
                ir::to_string(call.emit.shape(x)));
  }
  return x;
}

Attributes window(const Call& call) {
  const size_t count = spatial_rank(call);
  const std::vector<int64_t> kernel = call.integers("kernel_size", count);
  std::vector<int64_t> strides = call.integers("stride");
  strides = strides.empty() ? kernel : call.integers("stride", count);
  std::vector<int64_t> pads = call.integers("padding", count);
  pads.insert(pads.end(), pads.begin(), pads.end());
  return {{"kernel_shape", kernel},
          {"strides", strides},
          {"pads", pads},
          {"ceil_mode", call.integer("ceil_mode")}};
}

Value max_pool(const Call& call) {
  const ValueId x = image(call, "self");
  Attributes attributes = window(call);
  attributes["dilations"] = call.integers("dilation", spatial_rank(call));
  return call.emit.put("MaxPool", {x}, std::move(attributes));
}

// The second output, where the largest element was, is refused when somebody takes it.
Value max_pool_with_indices(const Call& call) { return Value::tuple({max_pool(call), Value()}); }

Value avg_pool(const Call& call) {
  if (call.has("divisor_override")) call.refuse("is supported without divisor_override");
  const ValueId x = image(call, "self");
  Attributes attributes = window(call);
  attributes["count_include_pad"] = call.integer("count_include_pad", 1);
  return call.emit.put("AveragePool", {x}, std::move(attributes));
}

// Windows of one size where the input is a multiple of the output, which is what networks use.
Value adaptive(const Call& call, const char* global, const char* pool) {
  const ValueId x = image(call, "self");
  const size_t count = spatial_rank(call);
  const std::vector<int64_t> sizes = call.integers("output_size", count);
  if (std::ranges::all_of(sizes, [](int64_t size) { return size == 1; })) {
    return call.emit.put(global, {x});
  }
  ir::Dims windows;
  for (size_t i = 0; i < count; ++i) {
    const ir::Dim& from = call.emit.shape(x)[i + 2];
    if (!from.known() || sizes[i] < 1 || from.size % sizes[i] != 0) {
      call.refuse("from " + ir::to_string(call.emit.shape(x)) + " to " + ir::to_string(sizes) +
                  " has windows of different sizes, which is not supported");
    }
    windows.push_back(from.size / sizes[i]);
  }
  return call.emit.put(pool, {x}, {{"kernel_shape", windows}, {"strides", windows}});
}
Value adaptive_avg_pool(const Call& call) {
  return adaptive(call, "GlobalAveragePool", "AveragePool");
}
Value adaptive_max_pool(const Call& call) {
  return Value::tuple({adaptive(call, "GlobalMaxPool", "MaxPool"), Value()});
}

// PyTorch's pads are pairs from the last dimension backwards; ONNX's are all begins, then all ends.
Value padded(const Call& call, const std::string& mode, double value) {
  const ValueId x = call.tensor("self");
  const auto rank = static_cast<size_t>(call.emit.rank(x));
  const std::vector<int64_t> pairs = call.integers(call.has("pad") ? "pad" : "padding");
  if (pairs.size() % 2 != 0 || pairs.size() > 2 * rank) call.refuse("has no such padding");
  std::vector<int64_t> pads(2 * rank, 0);
  for (size_t i = 0; i < pairs.size() / 2; ++i) {
    pads[rank - 1 - i] = pairs[2 * i];
    pads[2 * rank - 1 - i] = pairs[2 * i + 1];
  }
  std::vector<ValueId> inputs{x, call.emit.integers(pads)};
  if (value != 0) inputs.push_back(call.emit.scalar(value, call.emit.dtype(x)));
  return call.emit.put("Pad", inputs, {{"mode", mode}});
}
Value constant_pad(const Call& call) { return padded(call, "constant", call.number("value")); }
Value reflection_pad(const Call& call) { return padded(call, "reflect", 0); }
Value replication_pad(const Call& call) { return padded(call, "edge", 0); }
Value pad(const Call& call) {
  const std::string mode = call.text("mode");
  if (mode == "constant") return padded(call, mode, call.number("value"));
  if (mode == "reflect") return reflection_pad(call);
  if (mode == "replicate") return replication_pad(call);
  call.refuse("mode " + mode + " is not supported");
}

// Sizes or factors of the spatial dimensions.
Value resize(const Call& call, Attributes attributes) {
  const ValueId x = image(call, call.has("self") ? "self" : "input");
  ir::Shape target = call.emit.shape(x);
  const size_t count = spatial_rank(call);
  const bool listed = call.has("scale_factors");
  if (call.has("output_size")) {
    const std::vector<int64_t> sizes = call.integers("output_size", count);
    for (size_t i = 0; i < count; ++i) target[i + 2] = sizes[i];
    // A stated factor decides about positions; it is 1 / the ratio of sizes for whole factors.
  } else if (listed) {
    const std::vector<double> factors = call.numbers("scale_factors");
    if (factors.size() != count) call.refuse("has no such factors");
    for (size_t i = 0; i < count; ++i) {
      const double size = static_cast<double>(ir::known_dims({target[i + 2]}, "size")[0]);
      if (std::floor(size * factors[i]) != size * factors[i]) {
        call.refuse("is supported with factors that give whole sizes");
      }
      target[i + 2] = static_cast<int64_t>(size * factors[i]);
    }
  }
  return call.emit.put("Resize", {x, {}, {}, call.emit.shape_value(target)}, std::move(attributes));
}

Value nearest(const Call& call) {
  return resize(call, {{"mode", std::string("nearest")},
                       {"coordinate_transformation_mode", std::string("asymmetric")},
                       {"nearest_mode", std::string("floor")}});
}
Value smooth(const Call& call, const char* mode) {
  const char* positions = call.flag("align_corners") ? "align_corners" : "half_pixel";
  Attributes attributes{{"mode", std::string(mode)},
                        {"coordinate_transformation_mode", std::string(positions)}};
  if (std::string_view(mode) == "cubic") attributes["cubic_coeff_a"] = -0.75;
  return resize(call, std::move(attributes));
}
Value linear(const Call& call) { return smooth(call, "linear"); }
Value cubic(const Call& call) { return smooth(call, "cubic"); }

constexpr auto kRows = std::to_array<OperatorRow>({
    {"max_pool1d", max_pool},
    {"max_pool2d", max_pool},
    {"max_pool3d", max_pool},
    {"max_pool1d_with_indices", max_pool_with_indices},
    {"max_pool2d_with_indices", max_pool_with_indices},
    {"max_pool3d_with_indices", max_pool_with_indices},
    {"avg_pool1d", avg_pool},
    {"avg_pool2d", avg_pool},
    {"avg_pool3d", avg_pool},
    {"adaptive_avg_pool1d", adaptive_avg_pool},
    {"adaptive_avg_pool2d", adaptive_avg_pool},
    {"adaptive_avg_pool3d", adaptive_avg_pool},
    {"adaptive_max_pool1d", adaptive_max_pool},
    {"adaptive_max_pool2d", adaptive_max_pool},
    {"adaptive_max_pool3d", adaptive_max_pool},
    {"constant_pad_nd", constant_pad},
    {"reflection_pad1d", reflection_pad},
    {"reflection_pad2d", reflection_pad},
    {"reflection_pad3d", reflection_pad},
    {"replication_pad1d", replication_pad},
    {"replication_pad2d", replication_pad},
    {"replication_pad3d", replication_pad},
    {"pad", pad},
    {"upsample_nearest1d", nearest},
    {"upsample_nearest2d", nearest},
    {"upsample_nearest3d", nearest},
    {"upsample_linear1d", linear},
    {"upsample_bilinear2d", linear},
    {"upsample_trilinear3d", linear},
    {"upsample_bicubic2d", cubic},
});

}  // namespace

std::span<const OperatorRow> window_operators() { return kRows; }

}  // namespace pare::formats::torchscript
