// SPDX-License-Identifier: Apache-2.0
// Ways to make a compressed model again without what is wrong with it: the commands that its
// history records, from the base, with one thing changed; or, where only its preprocessing is
// wrong, a conversion of the model itself.
#pragma once

#include <string>
#include <vector>

#include "apps/pare/command.hpp"
#include "apps/pare/inputs.hpp"
#include "lib/eval/diagnose/diagnose.hpp"
#include "lib/pass/weight_layers.hpp"

namespace pare::cli {

// One command of a repair. Its output, and the input of all but the first, are filled in later.
struct PlannedCommand {
  std::string command;
  Json options = Json::object();
};

struct RepairPlan {
  std::string start;  // the file that the first command takes
  std::vector<PlannedCommand> commands;
};

// A change to the recorded commands: an option of one of them.
struct OptionChange {
  std::string command;
  std::string option;
  Json value;  // null: the option goes; of a list option: one more entry
};
using Changes = std::vector<OptionChange>;

class RepairPlanner {
 public:
  RepairPlanner(const Invocation& invocation, const LoadedModel& base,
                const LoadedModel& candidate);

  // Why no commands can be planned; "" when they can.
  const std::string& obstacle() const { return obstacle_; }
  // What to try for a finding, the least drastic first. Never empty unless there is an obstacle.
  std::vector<RepairPlan> plans_for(const eval::Finding& finding,
                                    const eval::PartDiagnosis& part) const;
  // All changes of several plans in one.
  RepairPlan merged(const std::vector<RepairPlan>& plans) const;

 private:
  void plan_recorded(const ir::Model& base, const ir::Model& candidate);
  void plan_assumed(const ir::Model& candidate);
  void add_step(const ir::HistoryEntry& entry);
  void add_reading_flags(const Invocation& invocation);
  std::vector<Changes> changes_for(const eval::Finding& finding,
                                   const eval::PartDiagnosis& part) const;
  RepairPlan changed(const Changes& changes) const;
  void drop_idle_rules(PlannedCommand& step) const;
  bool has(const std::string& command) const;

  std::string base_path_, candidate_path_;
  std::vector<pass::WeightLayer> layers_;  // of the base
  std::string calibration_data_;
  bool base_states_ = false;
  std::vector<PlannedCommand> recorded_;
  std::string obstacle_;
};

// The arguments of each command of the plan, the last writing `output`, the others beside it; with
// `in_place`, all of them writing `output`. `extra`: flags for commands that know them.
std::vector<std::vector<std::string>> arguments_of(const RepairPlan& plan,
                                                   const std::string& output, bool in_place,
                                                   const Json& extra);

}  // namespace pare::cli
