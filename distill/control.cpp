// SPDX-License-Identifier: Apache-2.0
#include "distill/control.hpp"

#include <cstdio>
#include <filesystem>

#include "lib/core/error.hpp"
#include "lib/eval/statistics.hpp"

namespace pare::distill {

namespace {

// Says which arm of the experiment a report belongs to.
class ArmProgress : public Progress {
 public:
  ArmProgress(Progress& inner, std::string arm) : inner_(inner), arm_(std::move(arm)) {}
  void update(std::string_view stage, int64_t done, int64_t total, std::string_view note) override {
    inner_.update(arm_ + std::string(stage), done, total, note);
  }
  void log(std::string_view line) override { inner_.log(arm_ + std::string(line)); }
  void warn(std::string_view line) override { inner_.warn(arm_ + std::string(line)); }

 private:
  Progress& inner_;
  std::string arm_;
};

struct Arm {
  uint64_t seed;
  bool teacher;
  std::string name() const {
    return "seed " + std::to_string(seed) + (teacher ? " with teacher" : " without teacher");
  }
};

train::TrainPlan plan_of(const train::TrainPlan& main, const Arm& arm, int64_t epochs) {
  train::TrainPlan plan = main;
  plan.options.seed = arm.seed;
  plan.options.epochs = epochs;
  // A student that was never trained starts from fresh weights of the arm's seed; one that was,
  // from its own, and the seeds move only the order.
  plan.initialise = main.initial.metadata.history.empty();
  if (!arm.teacher) plan.distillation.reset();
  if (!plan.checkpoint.empty()) {
    plan.checkpoint +=
        "-control-" + std::to_string(arm.seed) + (arm.teacher ? "-with" : "-without");
  }
  return plan;
}

double accuracy(const ir::Model& model, const data::Dataset& dataset, pass::Context& context) {
  const auto predictions = context.trainer->predict(model, dataset, context.threads);
  int64_t right = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    right += predictions[i] == dataset.label(static_cast<int64_t>(i)) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(dataset.size());
}

std::vector<double> differences(const ControlResult& result) {
  std::vector<double> out;
  for (size_t i = 0; i < result.seeds.size(); ++i) {
    out.push_back(result.with_teacher[i] - result.without_teacher[i]);
  }
  return out;
}

std::string percent(double accuracy) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f %%", 100 * accuracy);
  return text;
}

}  // namespace

ControlResult run_control(const train::TrainPlan& plan, const ir::Model& main, int64_t count,
                          int64_t epochs, pass::Context& context) {
  ControlResult result{.measured_on = context.test ? "test" : "validation", .epochs = epochs};
  const auto dataset = context.test ? context.test : context.validation;
  if (!dataset) throw Error("--control", "needs a test or validation part to measure on");
  std::vector<std::string> checkpoints;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t seed = plan.options.seed + static_cast<uint64_t>(i);
    result.seeds.push_back(seed);
    for (const bool teacher : {true, false}) {
      const Arm arm{seed, teacher};
      const bool is_main = teacher && i == 0 && epochs == plan.options.epochs;
      double reached = 0;
      if (is_main) {
        reached = accuracy(main, *dataset, context);
      } else {
        ArmProgress progress(*context.progress, "control, " + arm.name() + ": ");
        train::TrainPlan arm_plan = plan_of(plan, arm, epochs);
        arm_plan.progress = &progress;
        checkpoints.push_back(arm_plan.checkpoint);
        reached = accuracy(context.trainer->fit(arm_plan).model, *dataset, context);
      }
      (teacher ? result.with_teacher : result.without_teacher).push_back(reached);
      context.progress->log("control, " + arm.name() + ": " + result.measured_on + " accuracy " +
                            percent(reached));
    }
  }
  for (const std::string& path : checkpoints) {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove(path, ignored);
  }
  return result;
}

std::string verdict(const ControlResult& result) {
  const eval::PairedT t = eval::paired_t_interval(differences(result));
  const char* what = "undecided whether the teacher helped";
  if (t.interval.low > 0) what = "the teacher helped";
  if (t.interval.high <= 0) what = "the teacher did not help";
  char text[160];
  std::snprintf(text, sizeof(text),
                "%s: %+.2f points of %s accuracy, 95 %% interval [%+.2f, %+.2f] over %zu seeds",
                what, 100 * t.mean, result.measured_on.c_str(), 100 * t.interval.low,
                100 * t.interval.high, result.seeds.size());
  return text;
}

Json to_json(const ControlResult& result) {
  const eval::PairedT t = eval::paired_t_interval(differences(result));
  Json json = Json::object();
  json["measured_on"] = result.measured_on;
  json["epochs"] = result.epochs;
  json["seeds"] = result.seeds;
  json["with_teacher"] = result.with_teacher;
  json["without_teacher"] = result.without_teacher;
  json["mean_difference"] = t.mean;
  json["interval_95"] = {t.interval.low, t.interval.high};
  json["verdict"] = verdict(result);
  return json;
}

}  // namespace pare::distill
