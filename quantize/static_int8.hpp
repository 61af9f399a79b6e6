// SPDX-License-Identifier: Apache-2.0
// w8a8 and w4a8: static integer quantization. Activations become u8 codes with calibrated ranges.
// Weights of 8 bits are s8 codes with a scale an output channel, their biases i32 codes with scale
// s_a * s_w[c]. Weights of 4 bits have a scale a group; their biases stay f32.
#pragma once

#include "quantize/request.hpp"

namespace pare::quantize {

// `model` has its BatchNormalization folded. Layers whose form has no integer arithmetic, such as
// convolutions planned with 4 bits, get weight-only codes and compute in f32.
ir::Model quantize_to_integers(const ir::Model& model, const std::vector<LayerPlan>& plan,
                               const Request& request, pass::Context& context);

}  // namespace pare::quantize
