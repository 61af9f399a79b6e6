// SPDX-License-Identifier: Apache-2.0
// What compression did to the weights, layer by layer, against the base's weights of the same name
// and shape. Batch norms are folded in both first, because quantization folds them.
#pragma once

#include <vector>

#include "lib/eval/size.hpp"
#include "lib/ir/model.hpp"

namespace pare::eval {

// Sets weight_error, or why it has none, of each of `layers` (the candidate's). Nothing is compared
// when the histories say that the two were trained apart: layers of one name then have nothing to
// do with each other. Decodes one tensor of each model at a time. Throws Error on damaged tensor
// bytes.
void add_weight_errors(const ir::Model& base, const ir::Model& candidate,
                       std::vector<LayerSize>& layers);

}  // namespace pare::eval
