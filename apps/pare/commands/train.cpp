// SPDX-License-Identifier: Apache-2.0
// pare train
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/pass_command.hpp"
#include "lib/train/passes.hpp"

namespace pare::cli {

Command make_train() {
  const pass::PassInfo& info = pass_named(train::passes(), "train");
  return make_pass_command(
      {.info = &info,
       .start = Start::kModelOrArch,
       .positional = {"MODEL", "A model to go on training; without one, --arch starts afresh", 0,
                      1},
       .groups = themed(info.options, "Method"),
       .examples = {"pare train --arch resnet8 --data fashion-mnist/ --epochs 14 -o teacher.pare",
                    "pare train --arch mlp:784-300-100-10 --data synthetic:glyphs -o mlp.pare"},
       .notes = {"A run that was interrupted goes on from OUT.checkpoint when the same command is "
                 "given again, and ends with the same bytes as if it had not been."}});
}

}  // namespace pare::cli
