// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/scheduler.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "apps/pare/child.hpp"
#include "apps/pare/recipe/identity.hpp"
#include "apps/pare/signals.hpp"

namespace pare::cli {

namespace {

class Scheduler {
 public:
  Scheduler(const Recipe& recipe, int jobs, const StepActions& actions)
      : recipe_(recipe),
        jobs_(static_cast<size_t>(jobs)),
        actions_(actions),
        needs_(prerequisites_of(recipe)),
        results_(recipe.steps.size()) {}

  std::vector<StepResult> run() {
    while (true) {
      start_what_can();
      if (running_.empty()) return results_;
      collect(wait_child(running_.size() == 1 ? running_.begin()->first : -1));
    }
  }

 private:
  struct Running {
    size_t step;
    std::unique_ptr<SignalForwarding> forwarding;
  };

  bool ended_well(size_t step) const {
    return results_[step].status == StepStatus::kDone ||
           results_[step].status == StepStatus::kUpToDate;
  }

  bool may_start(size_t step) const {
    if (failed_ || results_[step].status != StepStatus::kWaiting) return false;
    if (running_.size() >= jobs_) return false;
    const bool alone = measures_time(recipe_.steps[step]);
    if (!running_.empty() && (alone || measuring_)) return false;
    return std::ranges::all_of(needs_[step], [&](size_t need) { return ended_well(need); });
  }

  void start_what_can() {
    for (size_t step = 0; step < results_.size(); ++step) {
      if (!may_start(step)) continue;
      const pid_t child = actions_.start(step);
      if (child < 0) {
        results_[step].status = StepStatus::kUpToDate;
        continue;
      }
      results_[step].status = StepStatus::kRunning;
      measuring_ = measures_time(recipe_.steps[step]);
      running_.emplace(child, Running{step, std::make_unique<SignalForwarding>(child)});
    }
  }

  void collect(const EndedChild& ended) {
    const auto found = running_.find(ended.id);
    if (found == running_.end()) return;
    const size_t step = found->second.step;
    running_.erase(found);
    if (running_.empty()) measuring_ = false;
    results_[step].code = ended.code;
    results_[step].status = ended.code == 0 ? StepStatus::kDone : StepStatus::kFailed;
    if (ended.code == 0) {
      actions_.finish(step);
    } else {
      failed_ = true;
    }
  }

  const Recipe& recipe_;
  size_t jobs_;
  const StepActions& actions_;
  std::vector<std::vector<size_t>> needs_;
  std::vector<StepResult> results_;
  std::map<pid_t, Running> running_;
  bool measuring_ = false;
  bool failed_ = false;
};

}  // namespace

std::vector<std::vector<size_t>> prerequisites_of(const Recipe& recipe) {
  std::map<std::string, size_t> maker;
  std::vector<std::vector<size_t>> out;
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const RecipeStep& step = recipe.steps[i];
    std::vector<size_t>& needs = out.emplace_back();
    for (const std::string& path : files_read(step.command, step.positionals, step.options)) {
      const auto made = maker.find(path);
      if (made != maker.end()) needs.push_back(made->second);
    }
    for (const std::string& path : step.outputs) maker[path] = i;
  }
  return out;
}

bool measures_time(const RecipeStep& step) {
  return step.command.name == "eval" && !step.options.flag("no_latency");
}

std::vector<StepResult> run_steps(const Recipe& recipe, int jobs, const StepActions& actions) {
  return Scheduler(recipe, jobs, actions).run();
}

}  // namespace pare::cli
