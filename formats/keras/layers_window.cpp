// SPDX-License-Identifier: Apache-2.0
// Pooling and padding.
#include "formats/keras/image.hpp"

namespace pare::formats::keras {

namespace {

Feature pooled(const LayerCall& call, const std::string& op) {
  const size_t rank = spatial_rank(call);
  Image image = image_of(call, rank);
  const ir::Dims size = call.config.sizes("pool_size", rank, 2);
  const bool strided = call.config.find("strides") != nullptr;
  const Windows windows =
      windows_of(call, image, size, strided ? call.config.sizes("strides", rank, 1) : size);
  // Keras averages over what is inside the image alone, which is ONNX's default as well.
  image.id = call.graph.put(op, {image.id}, window_attributes(windows), call.name);
  image.spatial = windows.output;
  return feature_of(image);
}

// [batch, channels, 1...] as Keras wants it: [batch, channels] unless keepdims is set.
Feature globally_pooled(const LayerCall& call, Image image) {
  image.spatial.assign(image.spatial.size(), 1);
  Feature out = feature_of(image);
  if (call.config.flag("keepdims", false)) return out;
  return {.id = call.graph.flattened(out, call.name + ".flatten"),
          .shape = {image.channels},
          .order = keras_order(1)};
}

// One spatial axis: [before, after], or one number for both.
std::pair<int64_t, int64_t> pair_of(const LayerCall& call, const Json& value) {
  const auto size = [&](const Json& n) {
    if (!n.is_number_unsigned() || n.get<uint64_t>() > static_cast<uint64_t>(kLargestSetting)) {
      call.config.refuse("padding is not made of sizes");
    }
    return n.get<int64_t>();
  };
  if (!value.is_array()) return {size(value), size(value)};
  if (value.size() != 2) call.config.refuse("padding is not a pair");
  return {size(value[0]), size(value[1])};
}

}  // namespace

Feature lower_max_pool(const LayerCall& call) { return pooled(call, "MaxPool"); }

Feature lower_average_pool(const LayerCall& call) { return pooled(call, "AveragePool"); }

Feature lower_global_average_pool(const LayerCall& call) {
  Image image = image_of(call, spatial_rank(call));
  image.id = call.graph.put("GlobalAveragePool", {image.id}, {}, call.name);
  return globally_pooled(call, image);
}

// Sizes are known: one window covers the image.
Feature lower_global_max_pool(const LayerCall& call) {
  Image image = image_of(call, spatial_rank(call));
  image.id = call.graph.put("MaxPool", {image.id}, {{"kernel_shape", image.spatial}}, call.name);
  return globally_pooled(call, image);
}

Feature lower_zero_padding(const LayerCall& call) {
  const size_t rank = spatial_rank(call);
  Image image = image_of(call, rank);
  const Json* padding = call.config.find("padding");
  const Json one = 1;
  if (!padding) padding = &one;
  const bool for_each = padding->is_array() && rank == 2;
  if (for_each && padding->size() != rank) call.config.refuse("padding is not a pair");
  const size_t axes = rank + 2;  // batch and channels stay
  std::vector<int64_t> pads(2 * axes, 0);
  for (size_t i = 0; i < rank; ++i) {
    const auto [before, after] = pair_of(call, for_each ? padding->at(i) : *padding);
    pads[2 + i] = before;
    pads[axes + 2 + i] = after;
    image.spatial[i] += before + after;
  }
  const ir::ValueId constant = call.graph.constant(pads, call.name + ".pads");
  image.id = call.graph.put("Pad", {image.id, constant}, {}, call.name);
  return feature_of(image);
}

}  // namespace pare::formats::keras
