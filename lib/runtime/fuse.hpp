// SPDX-License-Identifier: Apache-2.0
// Which nodes run as one step: Conv, Gemm or MatMul with a constant weight, an Add of a residual
// and a Relu or Clip; or an elementwise Add and its Relu or Clip. The planner and the quantize pass
// both use this, so that what is calibrated is what exists when the model runs.
#pragma once

#include <span>
#include <vector>

#include "lib/ir/model.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

struct Fusion {
  ir::NodeId main;
  ir::NodeId add;         // invalid: no residual
  ir::ValueId residual;   // the other operand of `add`
  ir::NodeId activation;  // invalid: none
  Clamp clamp;
  ir::NodeId last() const { return activation.valid() ? activation : add.valid() ? add : main; }
};

// One entry a step, in an order in which they can run. Values in `keep` and graph outputs are never
// fused away. Shapes of the graph must be inferred.
std::vector<Fusion> fuse(const ir::Model& model, const ir::Graph& graph,
                         std::span<const ir::ValueId> keep = {});

// Float activations that exist in memory when `graph` runs, inputs first, then in the order of
// execution: the ones that quantization calibrates and annotates. Call it after fold_batch_norm.
// Values in `keep` are not fused away.
std::vector<ir::ValueId> materialised_values(const ir::Model& model, const ir::Graph& graph,
                                             std::span<const ir::ValueId> keep = {});

}  // namespace pare::runtime
