// SPDX-License-Identifier: Apache-2.0
// pare prune
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/pass_command.hpp"
#include "prune/passes.hpp"

namespace pare::cli {

Command make_prune() {
  const pass::PassInfo& info = pass_named(prune::passes(), "prune");
  return make_pass_command(
      {.info = &info,
       .positional = {"MODEL", "The model to prune", 1, 1},
       .groups = themed(info.options, "Pruning"),
       .examples = {"pare prune student.pare --sparsity 0.5 -o sparse.pare",
                    "pare prune student.pare --sparsity 0.7 --data fashion-mnist/ --epochs 6 "
                    "-o sparse.pare"}});
}

}  // namespace pare::cli
