// SPDX-License-Identifier: Apache-2.0
// Which activations of a graph become codes under w8a8 and w4a8. A step (see runtime/fuse.hpp) runs
// in integers when its rule says how and its operands are codes; an activation becomes codes when a
// step that runs in integers takes it. Steps that only move elements share one scale with what they
// move. So activations that only float steps use, and the final logits, stay f32.
#pragma once

#include <vector>

#include "lib/ir/model.hpp"
#include "quantize/request.hpp"

namespace pare::quantize {

// Values that share one scale; `root` is the first of them, and its range holds for all.
struct QuantizedValues {
  ir::ValueId root;
  std::vector<ir::ValueId> members;  // the root too
};

// The main graph of a model without foldable BatchNormalization. `plan` lists its quantized layers.
std::vector<QuantizedValues> quantized_values(const ir::Model& model,
                                              const std::vector<LayerPlan>& plan,
                                              Residuals residuals = Residuals::kFused);

// Whether the node with a planned 8-bit weight can run in integers, given codes as its input.
bool integer_linear(const ir::Model& model, const ir::Graph& graph, const ir::Node& node);
// The same for a planned 4-bit weight, whose groups run along its rows.
bool integer_groups(const ir::Model& model, const ir::Graph& graph, const ir::Node& node);

}  // namespace pare::quantize
