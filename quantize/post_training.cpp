// SPDX-License-Identifier: Apache-2.0
#include "quantize/post_training.hpp"

#include "lib/pass/weight_layers.hpp"
#include "quantize/request.hpp"
#include "quantize/weight_only.hpp"

namespace pare::quantize {

namespace {

ir::Model run(const ir::Model& model, const pass::Options& options, pass::Context& context) {
  const Request request = resolve_request(options);
  const bool grouped = request.weights.granularity == Granularity::kGroup;
  // Groups run along the reduction, which has to be the rows of the weight.
  const ir::Model input = grouped ? pass::with_output_rows(model) : model;
  return quantize_weights(input, plan_layers(input, options), request, context);
}

}  // namespace

pass::PassInfo post_training_pass() {
  return {
      .name = "quantize",
      .summary = "Store weights, and with w8a8 compute, in 8 or 4 bit integers",
      .options = request_options(),
      .needs_calibration = [](const pass::Options& o) { return o.text("scheme") == "w8a8"; },
      .validate = validate_request,
      .run = run,
  };
}

}  // namespace pare::quantize
