// SPDX-License-Identifier: Apache-2.0
// w8a8: static integer quantization. Activations become u8 codes with calibrated ranges, weights s8
// codes with a scale an output channel, biases i32 codes with scale s_a * s_w[c].
#pragma once

#include "quantize/request.hpp"

namespace pare::quantize {

// `model` has its BatchNormalization folded. Layers planned with other than 8 bits, and layers
// whose form has no integer arithmetic, get weight-only codes and compute in f32.
ir::Model quantize_to_integers(const ir::Model& model, const std::vector<LayerPlan>& plan,
                               const Request& request, pass::Context& context);

}  // namespace pare::quantize
