// SPDX-License-Identifier: Apache-2.0
// Breaks an int8 model on purpose, the way bugs and bad calibrations do, leaving everything else of
// the file true: each is one fault in one place that pare diagnose has to name.
#pragma once

#include <string>

#include "lib/ir/model.hpp"

namespace pare::test {

// The scale of output channel `channel` of the layer's weight is `factor` times what it was, the
// codes stay: an exporter that wrote a wrong number.
void break_channel_scale(ir::Model& model, const std::string& layer, int64_t channel, float factor);
// The output of the layer is coded over 1 / `factor` of its range; layers that take it have their
// biases in the new scale: a calibration that saw too little (factor > 1), or an outlier (< 1).
void narrow_range(ir::Model& model, const std::string& layer, float factor);
// The weight of the layer gets one scale for all channels, as a tool without per-channel support
// would store it.
void use_one_scale(ir::Model& model, const std::string& layer);
// The same function of a float model with `factor` between the channels of `depthwise`: every other
// channel that `producer` gives it is that much smaller, and its weights there that much larger.
// Batch norms do this to trained networks by themselves; a tensor-wide scale then starves half of
// the channels (Nagel et al. 2019, "Data-free quantization through weight equalization").
ir::Model with_uneven_channels(const ir::Model& model, const std::string& producer,
                               const std::string& depthwise, float factor);
// Mean and standard deviation change places.
void swap_preprocessing(ir::Model& model);

}  // namespace pare::test
