// SPDX-License-Identifier: Apache-2.0
// Images (two spatial axes) and sequences (one) as windows slide over them: channels first in the
// graph, sizes known, and Keras's rules for where windows begin.
#pragma once

#include "formats/keras/layers.hpp"

namespace pare::formats::keras {

// The input of a layer with windows, in the graph's order.
struct Image {
  ir::ValueId id;
  int64_t channels = 0;
  ir::Dims spatial;
  bool channels_last = true;  // in Keras
};

// The layer's input as an image of `rank` spatial axes; refuses others.
Image image_of(const LayerCall& call, size_t rank);
// Another value in the image's layout.
Feature feature_of(const Image& image);
// Spatial axes of a layer, by its class: "Conv2D" has 2.
size_t spatial_rank(const LayerCall& call);

// How windows lie: the sizes of the output, and pads in ONNX's order (begins, then ends).
struct Windows {
  ir::Dims kernel;
  ir::Dims strides;
  ir::Dims dilations;
  ir::Dims pads;
  ir::Dims output;
};

// By the settings strides, dilation_rate and padding: "valid", "same" (the odd pad comes last) or,
// in sequences, "causal".
Windows windows_of(const LayerCall& call, const Image& image, const ir::Dims& kernel,
                   const ir::Dims& strides);
// strides, dilations, pads and kernel_shape of an ONNX node.
Attributes window_attributes(const Windows& windows);

}  // namespace pare::formats::keras
