// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/image.hpp"

#include <algorithm>

#include "lib/core/error.hpp"

namespace pare::formats::keras {

size_t spatial_rank(const LayerCall& call) {
  return call.config.class_name().ends_with("1D") ? 1 : 2;
}

Image image_of(const LayerCall& call, size_t rank) {
  const Feature& x = call.x();
  const ir::Dims seen = keras_shape(x);
  if (seen.size() != rank + 1) {
    call.config.refuse("takes inputs of " + std::to_string(rank + 1) +
                       " dimensions without batch, found " + ir::to_string(seen));
  }
  Image out{.channels_last = call.config.channels_last()};
  const Feature first = call.graph.ordered(x, channels_first_order(rank + 1, out.channels_last));
  out.id = first.id;
  const ir::Dims shape = graph_shape(first);
  out.channels = shape.front();
  out.spatial.assign(shape.begin() + 1, shape.end());
  return out;
}

Feature feature_of(const Image& image) {
  ir::Dims shape = image.spatial;
  shape.insert(image.channels_last ? shape.end() : shape.begin(), image.channels);
  const size_t rank = shape.size();
  return {.id = image.id,
          .shape = std::move(shape),
          .order = channels_first_order(rank, image.channels_last)};
}

Windows windows_of(const LayerCall& call, const Image& image, const ir::Dims& kernel,
                   const ir::Dims& strides) {
  const size_t rank = kernel.size();
  Windows out{.kernel = kernel,
              .strides = strides,
              .dilations = call.config.sizes("dilation_rate", rank, 1),
              .pads = ir::Dims(2 * rank, 0)};
  const std::string padding = call.config.text("padding", "valid");
  if (padding != "valid" && padding != "same" && !(padding == "causal" && rank == 1)) {
    call.config.refuse("padding " + escaped(padding, 40) + " is not supported");
  }
  for (size_t i = 0; i < rank; ++i) {
    const int64_t size = image.spatial[i];
    const int64_t reach = (kernel[i] - 1) * out.dilations[i] + 1;
    const bool same = padding == "same";
    const int64_t covered = size - reach;  // of the last window's begin, without padding
    const int64_t count = (same || padding == "causal" ? size - 1 : covered) / strides[i] + 1;
    if (covered < 0 && padding == "valid") {
      call.config.refuse("its window of " + std::to_string(reach) +
                         " is larger than its input of " + std::to_string(size));
    }
    const int64_t missing = std::max<int64_t>((count - 1) * strides[i] + reach - size, 0);
    if (same) out.pads[i] = missing / 2;
    if (same) out.pads[rank + i] = missing - missing / 2;
    if (padding == "causal") out.pads[i] = reach - 1;
    out.output.push_back(count);
  }
  return out;
}

Attributes window_attributes(const Windows& windows) {
  return {{"kernel_shape", windows.kernel},
          {"strides", windows.strides},
          {"dilations", windows.dilations},
          {"pads", windows.pads}};
}

}  // namespace pare::formats::keras
