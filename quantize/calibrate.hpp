// SPDX-License-Identifier: Apache-2.0
// Runs calibration data through the float model and watches the activations that become codes. Data
// streams in small batches and observers have constant size, so memory does not grow with the
// number of samples.
#pragma once

#include <vector>

#include "lib/ir/model.hpp"
#include "lib/pass/pass.hpp"
#include "quantize/observer.hpp"

namespace pare::quantize {

// One observer for each of `watched`, values of the main graph of `model`.
// Warns about calibration data that cannot stand for what the model will see: unnormalized,
// constant, one class, a class missing. Throws Error on data that does not fit the model, and on an
// activation that becomes NaN or Inf.
std::vector<Observer> calibrate(const ir::Model& model, const std::vector<ir::ValueId>& watched,
                                int64_t samples, pass::Context& context);

}  // namespace pare::quantize
