// SPDX-License-Identifier: Apache-2.0
// Convolutions, dense layers, batch normalization and learned slopes: kernels turned from Keras's
// [window, in, out] and [in, out] into ONNX's [out, in, window] and [out, in].
#include <algorithm>

#include "formats/keras/image.hpp"

namespace pare::formats::keras {

namespace {

// A row-major array with its axes in the order `perm`.
std::vector<float> transposed(const std::vector<float>& values, const ir::Dims& dims,
                              const std::vector<size_t>& perm) {
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  std::vector<float> out;
  out.reserve(values.size());
  std::vector<int64_t> at(perm.size(), 0);
  int64_t from = 0;
  while (out.size() < values.size()) {
    out.push_back(values[static_cast<size_t>(from)]);
    for (size_t i = perm.size(); i-- > 0;) {
      from += strides[perm[i]];
      if (++at[i] < dims[perm[i]]) break;
      from -= at[i] * strides[perm[i]];
      at[i] = 0;
    }
  }
  return out;
}

// [window..., in, out] -> [out, in, window...]
std::vector<size_t> conv_perm(size_t rank) {
  std::vector<size_t> perm{rank + 1, rank};
  for (size_t i = 0; i < rank; ++i) perm.push_back(i);
  return perm;
}

ir::Dims joined(ir::Dims front, const ir::Dims& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

// The layer's Conv node: `weight` is [out, in / group, window...].
struct Convolution {
  ir::Dims dims;
  std::vector<float> weight;
  std::vector<float> bias;  // may be empty
  int64_t group = 1;
};

Image convolved(const LayerCall& call, Image image, const Windows& windows, const Convolution& c,
                const std::string& suffix = "") {
  const std::string prefix = call.parameters + suffix;
  std::vector<ir::ValueId> inputs{image.id,
                                  call.graph.parameter(prefix + ".weight", c.dims, c.weight)};
  if (!c.bias.empty()) {
    inputs.push_back(call.graph.parameter(prefix + ".bias", {c.dims[0]}, c.bias));
  }
  Attributes attributes = window_attributes(windows);
  attributes["group"] = c.group;
  image.id = call.graph.put("Conv", std::move(inputs), std::move(attributes), call.name + suffix);
  image.channels = c.dims[0];
  image.spatial = windows.output;
  return image;
}

int64_t filters_of(const LayerCall& call, const char* key) {
  const int64_t count = call.config.integer(key, 0);
  if (count < 1) call.config.refuse(std::string(key) + " is " + std::to_string(count));
  return count;
}

// Depthwise kernels are [window..., channels, multiplier]; output channel c * multiplier + m.
Convolution depthwise(const Image& image, const ir::Dims& kernel, int64_t multiplier,
                      const std::vector<float>& values) {
  const size_t rank = kernel.size();
  std::vector<size_t> perm{rank, rank + 1};
  for (size_t i = 0; i < rank; ++i) perm.push_back(i);
  return {.dims = joined({image.channels * multiplier, 1}, kernel),
          .weight = transposed(values, joined(kernel, {image.channels, multiplier}), perm),
          .group = image.channels};
}

std::vector<Expected> with_bias(const LayerCall& call, std::vector<Expected> weights,
                                int64_t outputs) {
  if (call.config.flag("use_bias", true)) weights.push_back({"bias", {outputs}});
  return weights;
}

}  // namespace

Feature lower_conv(const LayerCall& call) {
  const size_t rank = spatial_rank(call);
  const Image image = image_of(call, rank);
  const ir::Dims kernel = call.config.sizes("kernel_size", rank, 1);
  const Windows windows = windows_of(call, image, kernel, call.config.sizes("strides", rank, 1));
  const int64_t filters = filters_of(call, "filters");
  const int64_t groups = call.config.integer("groups", 1);
  if (groups < 1 || image.channels % groups != 0 || filters % groups != 0) {
    call.config.refuse(std::to_string(groups) + " groups do not divide " +
                       std::to_string(image.channels) + " channels into " +
                       std::to_string(filters));
  }
  const ir::Dims dims = joined(kernel, {image.channels / groups, filters});
  auto weights = call.weights(with_bias(call, {{"kernel", dims}}, filters));
  Convolution conv{.dims = joined({filters, image.channels / groups}, kernel),
                   .weight = transposed(weights[0], dims, conv_perm(rank)),
                   .group = groups};
  if (weights.size() > 1) conv.bias = std::move(weights[1]);
  return activated(call, feature_of(convolved(call, image, windows, conv)));
}

Feature lower_depthwise_conv(const LayerCall& call) {
  const Image image = image_of(call, 2);
  const ir::Dims kernel = call.config.sizes("kernel_size", 2, 1);
  const Windows windows = windows_of(call, image, kernel, call.config.sizes("strides", 2, 1));
  const int64_t multiplier = filters_of(call, "depth_multiplier");
  const ir::Dims dims = joined(kernel, {image.channels, multiplier});
  auto weights =
      call.weights(with_bias(call, {{"depthwise_kernel", dims}}, image.channels * multiplier));
  Convolution conv = depthwise(image, kernel, multiplier, weights[0]);
  if (weights.size() > 1) conv.bias = std::move(weights[1]);
  return activated(call, feature_of(convolved(call, image, windows, conv)));
}

Feature lower_separable_conv(const LayerCall& call) {
  const size_t rank = spatial_rank(call);
  Image image = image_of(call, rank);
  const ir::Dims kernel = call.config.sizes("kernel_size", rank, 1);
  const Windows windows = windows_of(call, image, kernel, call.config.sizes("strides", rank, 1));
  const int64_t multiplier = filters_of(call, "depth_multiplier");
  const int64_t filters = filters_of(call, "filters");
  const int64_t between = image.channels * multiplier;
  const ir::Dims ones(rank, 1);
  const ir::Dims point = joined(ones, {between, filters});
  auto weights =
      call.weights(with_bias(call,
                             {{"depthwise_kernel", joined(kernel, {image.channels, multiplier})},
                              {"pointwise_kernel", point}},
                             filters));
  image = convolved(call, image, windows, depthwise(image, kernel, multiplier, weights[0]),
                    ".depthwise");
  Convolution pointwise{.dims = joined({filters, between}, ones),
                        .weight = transposed(weights[1], point, conv_perm(rank))};
  if (weights.size() > 2) pointwise.bias = std::move(weights[2]);
  const Windows single{.kernel = ones,
                       .strides = ones,
                       .dilations = ones,
                       .pads = ir::Dims(2 * rank, 0),
                       .output = image.spatial};
  return activated(call, feature_of(convolved(call, image, single, pointwise, ".pointwise")));
}

// What Flatten left in the graph's order of elements needs no Transpose: the weight's columns are
// put into that order.
Feature lower_dense(const LayerCall& call) {
  const int64_t units = filters_of(call, "units");
  const bool reorder = !call.x().flatten.empty() && !call.shared;
  const Feature x = reorder ? call.x() : call.graph.plain(call.x());
  if (x.shape.empty()) call.config.refuse("takes inputs of one dimension at least");
  const int64_t in = keras_shape(x).back();
  const auto weights = call.weights(with_bias(call, {{"kernel", {in, units}}}, units));
  const std::string weight_name = call.parameters + ".weight";
  if (x.flatten.empty() && x.shape.size() > 1) {
    ir::ValueId y =
        call.graph.put("MatMul", {x.id, call.graph.parameter(weight_name, {in, units}, weights[0])},
                       {}, call.name);
    if (weights.size() > 1) {
      const ir::ValueId bias = call.graph.parameter(call.parameters + ".bias", {units}, weights[1]);
      y = call.graph.put("Add", {y, bias}, {}, call.name + ".add");
    }
    Feature out = x;
    out.id = y;
    out.shape.back() = units;
    return activated(call, out);
  }
  std::vector<float> weight = transposed(weights[0], {in, units}, {1, 0});
  if (reorder) {
    const std::vector<int64_t> places = keras_places(x);
    std::vector<float> row(places.size());
    for (auto begin = weight.begin(); begin != weight.end(); begin += in) {
      for (size_t j = 0; j < row.size(); ++j) row[j] = begin[places[j]];
      std::copy(row.begin(), row.end(), begin);
    }
  }
  const ir::ValueId flat = reorder ? call.graph.flattened(x, x.flatten) : x.id;
  std::vector<ir::ValueId> inputs{flat, call.graph.parameter(weight_name, {units, in}, weight)};
  if (weights.size() > 1) {
    inputs.push_back(call.graph.parameter(call.parameters + ".bias", {units}, weights[1]));
  }
  const ir::ValueId y =
      call.graph.put("Gemm", std::move(inputs), {{"transB", int64_t{1}}}, call.name);
  return activated(call, {.id = y, .shape = {units}, .order = keras_order(1)});
}

Feature lower_batch_normalization(const LayerCall& call) {
  if (call.config.flag("renorm", false)) call.config.refuse("renorm is not supported");
  Feature x = call.x().flatten.empty() ? call.x() : call.graph.plain(call.x());
  const auto rank = static_cast<int64_t>(x.shape.size());
  const ir::Dims axes = call.config.integers("axis", {-1});
  const int64_t stated = axes.size() == 1 ? axes[0] : 0;
  const int64_t axis = stated < 0 ? stated + rank + 1 : stated;
  if (axis < 1 || axis > rank) {
    call.config.refuse("axis is " + ir::to_string(axes) + " of " + std::to_string(rank + 1) +
                       " dimensions");
  }
  if (x.order[1] != axis) {  // ONNX normalizes axis 1
    Order order = x.order;
    order.erase(std::find(order.begin(), order.end(), static_cast<int>(axis)));
    order.insert(order.begin() + 1, static_cast<int>(axis));
    x = call.graph.ordered(x, order);
  }
  const ir::Dims dims{x.shape[static_cast<size_t>(axis) - 1]};
  std::vector<Expected> expected;
  if (call.config.flag("scale", true)) expected.push_back({"gamma", dims});
  if (call.config.flag("center", true)) expected.push_back({"beta", dims});
  expected.push_back({"moving_mean", dims});
  expected.push_back({"moving_variance", dims});
  const auto weights = call.weights(expected);
  const size_t mean = weights.size() - 2;
  const std::vector<float> ones(weights[mean].size(), 1.0F);
  const std::vector<float> zeros(weights[mean].size(), 0.0F);
  const auto parameter = [&](const char* kind, const std::vector<float>& values) {
    return call.graph.parameter(call.parameters + kind, dims, values);
  };
  const bool scaled = expected.front().kind == "gamma";
  const bool centered = mean == (scaled ? 2U : 1U);
  const ir::ValueId scale = parameter(".scale", scaled ? weights[0] : ones);
  const ir::ValueId bias = parameter(".bias", centered ? weights[mean - 1] : zeros);
  x.id = call.graph.put(
      "BatchNormalization",
      {x.id, scale, bias, parameter(".mean", weights[mean]), parameter(".var", weights[mean + 1])},
      {{"epsilon", call.config.number("epsilon", 1e-3)}}, call.name);
  return x;
}

// One slope for each element, or for all along the shared axes.
Feature lower_prelu(const LayerCall& call) {
  Feature x = call.x().flatten.empty() ? call.x() : call.graph.plain(call.x());
  Feature alpha{.shape = x.shape, .order = x.order};
  for (const int64_t axis : call.config.integers("shared_axes", {})) {
    if (axis < 1 || axis > static_cast<int64_t>(x.shape.size())) {
      call.config.refuse("shared_axes has " + std::to_string(axis));
    }
    alpha.shape[static_cast<size_t>(axis) - 1] = 1;
  }
  const auto weights = call.weights({{"alpha", alpha.shape}});
  std::vector<size_t> perm;
  for (size_t i = 1; i < x.order.size(); ++i) {
    perm.push_back(static_cast<size_t>(x.order[i]) - 1);
  }
  const ir::ValueId slope = call.graph.parameter(call.parameters + ".slope", graph_shape(alpha),
                                                 transposed(weights[0], alpha.shape, perm));
  x.id = call.graph.put("PRelu", {x.id, slope}, {}, call.name);
  return x;
}

}  // namespace pare::formats::keras
