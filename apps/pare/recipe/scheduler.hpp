// SPDX-License-Identifier: Apache-2.0
// Which step of a recipe may start when: after the steps whose outputs it reads, as many at once as
// asked for. A step that measures time runs alone.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "apps/pare/recipe/recipe.hpp"

namespace pare::cli {

// For each step the earlier ones whose outputs it reads.
std::vector<std::vector<size_t>> prerequisites_of(const Recipe& recipe);

// The step measures latency: neighbours would be in its figures.
bool measures_time(const RecipeStep& step);

enum class StepStatus : uint8_t { kWaiting, kRunning, kDone, kUpToDate, kFailed };

struct StepResult {
  StepStatus status = StepStatus::kWaiting;
  int code = 0;  // of the process, when it failed
};

struct StepActions {
  // Starts the step's process; -1 when it is up to date and nothing need run.
  std::function<pid_t(size_t step)> start;
  // The step's process ended well.
  std::function<void(size_t step)> finish;
};

// Runs everything; after a failure nothing new starts, and what runs is waited for. One result a
// step.
std::vector<StepResult> run_steps(const Recipe& recipe, int jobs, const StepActions& actions);

}  // namespace pare::cli
