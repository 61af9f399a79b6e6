// SPDX-License-Identifier: Apache-2.0
// The control experiment of a distillation: the student trained with and without the teacher from
// the same seeds, compared pairwise, because a teacher does not help by itself. Accuracies are
// those of the test part (validation when there is none); nothing is chosen by them.
#pragma once

#include <string>
#include <vector>

#include "lib/pass/pass.hpp"
#include "lib/train/trainer.hpp"

namespace pare::distill {

struct ControlResult {
  std::string measured_on;  // "test" or "validation"
  int64_t epochs = 0;
  std::vector<uint64_t> seeds = {};
  std::vector<double> with_teacher = {};  // accuracy, one a seed
  std::vector<double> without_teacher = {};
};

// `plan` is the distillation run whose result is `main`; the arms use seeds plan.options.seed + 0
// .. count - 1 and `epochs` epochs each. The main run serves as its own arm where nothing differs.
// The arms keep checkpoints beside the plan's and remove them when all are done.
ControlResult run_control(const train::TrainPlan& plan, const ir::Model& main, int64_t count,
                          int64_t epochs, pass::Context& context);

// "the teacher helped: +0.41 points, 95 % interval [0.10, 0.72] over 3 seeds", "... did not help:
// ..." or "undecided: ..." when the paired t interval of the differences contains 0.
std::string verdict(const ControlResult& result);
// Everything above as JSON, kept in the model's metadata.
Json to_json(const ControlResult& result);

}  // namespace pare::distill
