// SPDX-License-Identifier: Apache-2.0
#include "prune/recovery.hpp"

#include <algorithm>
#include <memory>

#include "lib/core/error.hpp"
#include "prune/recovery_options.hpp"

namespace pare::prune {

namespace {

constexpr double kPruningFraction = 0.7;  // of the steps; the rest recovers under fixed masks
constexpr int64_t kPruningSteps = 100;    // how often the masks grow

std::span<float> weights_of(std::map<std::string, std::span<float>>& weights,
                            const std::string& name) {
  const auto it = weights.find(name);
  require(it != weights.end(), "the trainer trains every pruned weight");
  return it->second;
}

void zero_missing(std::span<float> values, std::span<const uint8_t> kept) {
  for (size_t i = 0; i < values.size(); ++i) values[i] = kept[i] ? values[i] : 0.0F;
}

}  // namespace

double cubic_sparsity(double final_sparsity, int64_t step, int64_t end_step) {
  if (step >= end_step) return final_sparsity;
  const double left = 1.0 - static_cast<double>(step) / static_cast<double>(end_step);
  return final_sparsity * (1.0 - left * left * left);
}

MaskSchedule::MaskSchedule(const ir::Model& model, Targets targets, int threads)
    : targets_(std::move(targets)), threads_(threads) {
  for (const Pool& pool : targets_.pools) {
    for (const std::string& name : pool.parameters) {
      const ir::Dims& dims = model.parameters.at(name).dims();
      rows_[name] = dims.empty() ? 1 : dims[0];
    }
  }
}

void MaskSchedule::operator()(int64_t step, int64_t total_steps,
                              std::map<std::string, std::span<float>>& weights) {
  // Empty before the first step and after a resumption, where the masks are the weights' zeros.
  for (const auto& [name, kept] : kept_) zero_missing(weights_of(weights, name), kept);
  const auto end_step = static_cast<int64_t>(kPruningFraction * static_cast<double>(total_steps));
  const int64_t interval = std::max<int64_t>(1, end_step / kPruningSteps);
  if (targets_.two_of_four) {
    if (step == 0) prune_pattern(weights);
  } else if (step == 0 || step == end_step || (step < end_step && step % interval == 0)) {
    prune_at(step, end_step, weights);
  }
  for (const auto& [name, rows] : rows_) kept_[name] = pass::nonzero(weights_of(weights, name));
}

void MaskSchedule::prune_at(int64_t step, int64_t end_step,
                            std::map<std::string, std::span<float>>& weights) {
  for (const Pool& pool : targets_.pools) {
    std::vector<PoolTensor> tensors;
    int64_t elements = 0;
    for (const std::string& name : pool.parameters) {
      const std::span<const float> values = weights_of(weights, name);
      elements += static_cast<int64_t>(values.size());
      tensors.push_back({name, [values] { return pass::FloatRanges(values); }});
    }
    const double sparsity = cubic_sparsity(pool.sparsity, step, end_step);
    MagnitudeCut cut = magnitude_cut(tensors, removed_elements(sparsity, elements), threads_);
    for (const std::string& name : pool.parameters) {
      const std::span<float> values = weights_of(weights, name);
      zero_missing(values, kept_by(cut, values));
    }
  }
}

void MaskSchedule::prune_pattern(std::map<std::string, std::span<float>>& weights) {
  for (const auto& [name, rows] : rows_) {
    const std::span<float> values = weights_of(weights, name);
    zero_missing(values, kept_n_of_m(values, rows, 2, 4));
  }
}

ir::Model train_with_masks(const ir::Model& model, const Targets& targets,
                           const pass::Options& options, pass::Context& context) {
  const pass::Options training = training_values(options);
  train::TrainPlan plan;
  plan.initial = model;
  plan.options = train::train_options_from(training, context.seed, context.threads);
  plan.train = context.train;
  plan.validation = context.validation;
  if (!context.teachers.empty()) {
    train::Distillation distillation{.temperature = distillation_value(options, "temperature"),
                                     .alpha = distillation_value(options, "alpha")};
    for (const auto& teacher : context.teachers) {
      distillation.teachers.push_back(&teacher.model);
      distillation.teacher_hashes.push_back(teacher.sha256);
    }
    plan.distillation = std::move(distillation);
  }
  const auto schedule = std::make_shared<MaskSchedule>(model, targets, context.threads);
  plan.weight_hook = [schedule](int64_t step, int64_t total, auto& weights) {
    (*schedule)(step, total, weights);
  };
  plan.checkpoint = context.checkpoint;
  plan.resume = context.resume;
  plan.identity = {{"pass", "prune"},
                   {"options", options.for_history()},
                   {"seed", context.seed},
                   {"inputs", context.input_hashes}};
  plan.progress = context.progress;
  return context.trainer->fit(plan).model;
}

}  // namespace pare::prune
