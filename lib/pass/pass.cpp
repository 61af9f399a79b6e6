// SPDX-License-Identifier: Apache-2.0
#include "lib/pass/pass.hpp"

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::pass {

ir::Model run(const PassInfo& pass, const ir::Model& model, const Options& options,
              Context& context) {
  pass.validate(options);
  if (pass.needs_calibration(options) && !context.calibration) {
    throw UsageError("--calibration-data", "is needed by " + pass.name + " with these options");
  }
  if (pass.trains(options)) {
    require(context.trainer != nullptr, "a pass that trains runs in pare-train");
    if (!context.train)
      throw UsageError("--data", "is needed by " + pass.name + " with these options");
  }
  ir::Model result = pass.run(model, options, context);
  result.metadata.history.push_back({.pass = pass.name,
                                     .options = options.for_history(),
                                     .tool_version = PARE_VERSION,
                                     .seed = context.seed,
                                     .inputs = context.input_hashes});
  try {
    ir::verify(result);
  } catch (const Error& e) {
    throw Bug("pass " + pass.name + " broke the model: " + e.what());
  }
  return result;
}

}  // namespace pare::pass
