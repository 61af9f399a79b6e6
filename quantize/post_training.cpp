// SPDX-License-Identifier: Apache-2.0
#include "quantize/post_training.hpp"

#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/pass/weight_layers.hpp"
#include "lib/runtime/session.hpp"
#include "quantize/request.hpp"
#include "quantize/static_int8.hpp"
#include "quantize/weight_only.hpp"

namespace pare::quantize {

namespace {

bool has_groups(const Request& request, const std::vector<LayerPlan>& plan) {
  return std::ranges::any_of(plan, [&](const LayerPlan& layer) {
    return request.weights.granularity == Granularity::kGroup || layer.bits != request.weight_bits;
  });
}

// A 16-bit weight that became codes is f32 to the graph.
ir::Model inferred(ir::Model model) {
  for (ir::Graph& graph : model.graphs) ir::infer_shapes(model, graph);
  return model;
}

ir::Model run(const ir::Model& model, const pass::Options& options, pass::Context& context) {
  const Request request = resolve_request(options);
  refuse_quantized(model);
  // Folding first means that what is quantized is what runs; a quantized weight cannot be folded
  // later.
  ir::Model input = runtime::fold_batch_norm(model);
  std::vector<LayerPlan> plan = plan_layers(input, options);
  if (request.integer_activations && model.graphs.empty()) {
    throw Error("model", "has no graph to run in integers; see --scheme w8a16 and w4a16");
  }
  if (has_groups(request, plan)) {
    // Groups run along the reduction, which has to be the rows of the weight.
    input = pass::with_output_rows(input);
    plan = plan_layers(input, options);
  }
  if (request.integer_activations) {
    return inferred(quantize_to_integers(input, plan, request, context));
  }
  return inferred(quantize_weights(input, plan, request, context));
}

}  // namespace

pass::PassInfo post_training_pass() {
  return {
      .name = "quantize",
      .summary = "Store weights, and with w8a8 or w4a8 compute, in 8 or 4 bit integers",
      .options = request_options(),
      .needs_calibration = integer_scheme,
      .validate = validate_request,
      .run = run,
  };
}

}  // namespace pare::quantize
