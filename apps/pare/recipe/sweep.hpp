// SPDX-License-Identifier: Apache-2.0
// A recipe with some of its values varied: every combination is a run. Steps that several runs have
// in common are done once, each in a folder of its own, and all evaluation is left to the end, over
// all runs together. The result is a set of recipes that a Makefile orders.
#pragma once

#include <string>
#include <vector>

#include "apps/pare/recipe/recipe.hpp"

namespace pare::cli {

// "quantize.bits": an option of the step of that name, else of every step that runs that command;
// "epochs": a variable.
struct SweepAxis {
  std::string name;
  std::vector<Json> values;
};
// "NAME=V1,V2", or "NAME=[...]" with the values as JSON. Throws UsageError("--set").
SweepAxis parse_axis(const std::string& text);

// One target: a folder below the sweep's with the recipe that fills it.
struct SweepTarget {
  std::string folder;  // "shared/model", "runs/bits-4_sparsity-0.5", "report"
  Json recipe;
  std::vector<std::string> needs;    // folders of other targets that it reads from
  std::vector<std::string> sources;  // files that no target makes
};

struct SweepPlan {
  std::vector<SweepTarget> shared;
  std::vector<SweepTarget> runs;
  std::vector<SweepTarget> reports;  // none when the recipe has no eval step
};

// Throws Error(path) when a combination is no valid recipe, UsageError("--set") when an axis names
// nothing in it.
SweepPlan plan_sweep(const Json& recipe, const std::string& path,
                     const std::vector<SweepAxis>& axes);

// `program`: what runs pare, as a shell word.
std::string sweep_makefile(const SweepPlan& plan, const std::string& program);

}  // namespace pare::cli
