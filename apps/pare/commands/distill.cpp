// SPDX-License-Identifier: Apache-2.0
// pare distill
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/pass_command.hpp"
#include "distill/passes.hpp"

namespace pare::cli {

Command make_distill() {
  const pass::PassInfo& info = pass_named(distill::passes(), "distill");
  return make_pass_command(
      {.info = &info,
       .start = Start::kStudent,
       .positional = {"TEACHER", "The model to imitate", 1, 1},
       .groups = themed(info.options, "Distillation"),
       .examples = {"pare distill teacher.pare --arch resnet8:width=9 --data fashion-mnist/ "
                    "--temperature 4 \\\n      --alpha 0.7 --epochs 20 -o student.pare"},
       .notes = {"The loss is alpha * T^2 * KL(teacher || student) + (1 - alpha) * cross-entropy, "
                 "with both sides' logits divided by the temperature T in the first term."}});
}

}  // namespace pare::cli
