// SPDX-License-Identifier: Apache-2.0
// Runs repairs for real, each command in a process of its own writing a scratch file, and measures
// what comes out. What is printed afterwards is the same command lines with another output.
#pragma once

#include <memory>

#include "apps/pare/diagnose/repair_plan.hpp"
#include "lib/data/dataset.hpp"

namespace pare::cli {

struct RepairData {
  std::shared_ptr<const data::Dataset> choice;  // repairs are chosen by these ...
  std::shared_ptr<const data::Dataset> effect;  // ... and measured on these
};

// Fills in the repairs of the findings, and that of all findings together.
void add_repairs(const Invocation& invocation, const LoadedModel& base,
                 const LoadedModel& candidate, const RepairData& data, eval::Diagnosis& diagnosis);

// Where the printed commands write: "m.int8.pare" becomes "m.int8.repaired.pare".
std::string repaired_path(const std::string& candidate_path);

}  // namespace pare::cli
