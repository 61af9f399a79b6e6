// SPDX-License-Identifier: Apache-2.0
// Weight-only quantization: weights become codes, everything else stays as it is.
#pragma once

#include "quantize/request.hpp"

namespace pare::quantize {

// The scheme of one layer of weight `weight` at `bits`: groups need contiguous output rows, so a
// weight with another output axis gets one scale a channel; 4-bit scales are searched.
WeightScheme layer_scheme(const Request& request, const LayerPlan& plan);

// Says so when the layer keeps 8 bits as a first or last one.
void log_edge(const LayerPlan& plan, pass::Context& context);

ir::Model quantize_weights(const ir::Model& model, const std::vector<LayerPlan>& plan,
                           const Request& request, pass::Context& context);

}  // namespace pare::quantize
