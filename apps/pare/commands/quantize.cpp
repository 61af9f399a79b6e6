// SPDX-License-Identifier: Apache-2.0
// pare quantize
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/pass_command.hpp"
#include "quantize/passes.hpp"

namespace pare::cli {

Command make_quantize() {
  const pass::PassInfo& info = pass_named(quantize::passes(), "quantize");
  return make_pass_command(
      {.info = &info,
       .positional = {"MODEL", "The model to quantize", 1, 1},
       .groups = themed(info.options, "Quantization"),
       .examples = {"pare quantize model.pare --scheme w8a8 --calibration-data fashion-mnist/ "
                    "-o model.int8.pare",
                    "pare quantize model.pare --bits 4 --group-size 64 -o model.int4.pare"}});
}

}  // namespace pare::cli
