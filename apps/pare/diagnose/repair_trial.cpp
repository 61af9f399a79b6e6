// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/diagnose/repair_trial.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>

#include "apps/pare/child.hpp"
#include "apps/pare/recipe/recipe.hpp"
#include "apps/pare/signals.hpp"
#include "formats/formats.hpp"
#include "lib/eval/label_space.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

// A milder repair is taken when it wins back this part of what the best one does.
constexpr double kNearlyBest = 0.9;

// One measured attempt.
struct Trial {
  RepairPlan plan;
  std::string failure;  // "" when there is a model
  std::optional<ir::Model> model;
  int64_t bytes = 0;
  eval::Effect effect;  // on the items of choice
};

// Predictions of base and candidate on the same items.
struct Reference {
  std::shared_ptr<const data::Dataset> items;
  std::vector<int64_t> labels;
  eval::Predictions base, candidate;
};

class Workshop {
 public:
  Workshop(const Invocation& invocation, const LoadedModel& base, const LoadedModel& candidate,
           const RepairData& data, eval::Diagnosis& diagnosis)
      : invocation_(invocation),
        base_(base),
        candidate_(candidate),
        data_(data),
        diagnosis_(diagnosis),
        planner_(invocation, base, candidate),
        choice_(reference(data.choice)) {}

  void run() {
    std::vector<RepairPlan> chosen;
    double nearest = std::numeric_limits<double>::infinity();  // of the repairs one by one
    for (eval::Finding& finding : diagnosis_.findings) {
      const Trial* best = repair(finding);
      if (!best) continue;
      chosen.push_back(best->plan);
      nearest = std::min(nearest, best->effect.kl);
    }
    if (chosen.size() > 1 && planner_.obstacle().empty()) repair_all(chosen, nearest);
  }

 private:
  Reference reference(std::shared_ptr<const data::Dataset> items) const {
    Reference out{.items = items, .labels = eval::labels_of(*items)};
    out.base = predictions(base_.model, *items, base_.path);
    out.candidate = predictions(candidate_.model, *items, candidate_.path);
    return out;
  }

  eval::Predictions predictions(const ir::Model& model, const data::Dataset& items,
                                const std::string& subject) const {
    return eval::predict(model, items, {.threads = invocation_.threads}, subject);
  }

  static eval::Effect effect(const Reference& reference, const eval::Predictions& predictions) {
    return eval::effect_of(reference.base, predictions, reference.labels);
  }

  // The commands as they are printed.
  std::vector<std::string> shown(const RepairPlan& plan) const {
    std::vector<std::string> lines;
    for (const auto& words : arguments_of(plan, repaired_path(candidate_.path), false, {})) {
      lines.push_back(shell_line(words));
    }
    return lines;
  }

  const Trial& try_plan(const RepairPlan& plan) {
    const std::vector<std::string> key = shown(plan);
    const auto known = trials_.find(key);
    if (known != trials_.end()) return known->second;
    invocation_.progress.update("trying repairs", static_cast<int64_t>(trials_.size()) + 1,
                                static_cast<int64_t>(trials_.size()) + 2);
    return trials_.emplace(key, attempt(plan)).first->second;
  }

  Trial attempt(const RepairPlan& plan) {
    Trial trial{.plan = plan};
    const Json extra{{"threads", invocation_.threads}, {"quiet", true}};
    const auto commands = arguments_of(plan, scratch_.file(), true, extra);
    for (size_t c = 0; c < commands.size(); ++c) {
      const int code = run_child(commands[c], {.silent = true});
      if (code == 0) continue;
      trial.failure = shown(plan)[c] + " ended with exit code " + std::to_string(code);
      return trial;
    }
    trial.bytes = static_cast<int64_t>(fs::file_size(scratch_.file()));
    trial.model = formats::read(scratch_.file());
    trial.effect = effect(choice_, predictions(*trial.model, *data_.choice, "the repaired model"));
    return trial;
  }

  // The mildest of the plans that are about as good as the best, or null.
  const Trial* repair(eval::Finding& finding) {
    const eval::PartDiagnosis& part = diagnosis_.parts[finding.part];
    const double before = diagnosis_.comparison.divergence->mean;
    std::vector<const Trial*> trials;
    double best = 0;
    for (const RepairPlan& plan : planner_.plans_for(finding, part)) {
      const Trial& trial = try_plan(plan);
      trials.push_back(&trial);
      if (trial.model) best = std::max(best, before - trial.effect.kl);
      if (trial.model && trial.effect.kl <= (1 - kNearlyBest) * before) break;
    }
    for (const Trial* trial : trials) {
      const double regained = trial->model ? before - trial->effect.kl : 0.0;
      if (regained <= 0 || regained < kNearlyBest * best) continue;
      eval::Repair made = measured(*trial);
      if (made.helps()) {
        finding.repair = std::move(made);
      } else {
        finding.tried = std::move(made);
        finding.no_repair =
            "the nearest to the base that was tried does not raise accuracy beyond chance";
      }
      return trial;
    }
    finding.no_repair = !planner_.obstacle().empty() ? planner_.obstacle()
                        : !trials.empty() && !trials.front()->failure.empty()
                            ? trials.front()->failure
                            : "nothing that was tried brings it nearer to the base";
    return nullptr;
  }

  // Worth showing only when it is nearer to the base than any repair alone.
  void repair_all(const std::vector<RepairPlan>& chosen, double nearest) {
    const RepairPlan merged = planner_.merged(chosen);
    for (const RepairPlan& plan : chosen) {
      if (shown(plan) == shown(merged)) return;  // one command repairs it all
    }
    const Trial& trial = try_plan(merged);
    if (!trial.model || trial.effect.kl >= nearest) return;
    eval::Repair made = measured(trial);
    if (made.helps()) diagnosis_.all_repairs = std::move(made);
  }

  eval::Repair measured(const Trial& trial) {
    if (!effect_) effect_ = reference(data_.effect);
    const eval::Predictions repaired =
        predictions(*trial.model, *data_.effect, "the repaired model");
    eval::Repair out{.before = effect(*effect_, effect_->candidate),
                     .after = effect(*effect_, repaired)};
    out.base_accuracy = effect(*effect_, effect_->base).accuracy;
    out.change = eval::compare(effect_->candidate, repaired, effect_->labels,
                               {.threads = invocation_.threads});
    out.items = data_.effect->size();
    out.bytes_before = candidate_.bytes;
    out.bytes_after = trial.bytes;
    out.commands = shown(trial.plan);
    return out;
  }

  const Invocation& invocation_;
  const LoadedModel& base_;
  const LoadedModel& candidate_;
  const RepairData& data_;
  eval::Diagnosis& diagnosis_;
  RepairPlanner planner_;
  Reference choice_;
  std::optional<Reference> effect_;
  PrivateFolder scratch_;
  std::map<std::vector<std::string>, Trial> trials_;  // by command lines
};

}  // namespace

std::string repaired_path(const std::string& candidate_path) {
  return fs::path(candidate_path).replace_extension(".repaired.pare").string();
}

void add_repairs(const Invocation& invocation, const LoadedModel& base,
                 const LoadedModel& candidate, const RepairData& data, eval::Diagnosis& diagnosis) {
  Workshop(invocation, base, candidate, data, diagnosis).run();
}

}  // namespace pare::cli
