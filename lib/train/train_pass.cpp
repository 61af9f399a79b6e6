// SPDX-License-Identifier: Apache-2.0
// `train`: fits a model's weights to labelled data, from the weights it comes with (a fresh
// architecture's are drawn before the pass).
#include "lib/train/passes.hpp"
#include "lib/train/trainer.hpp"

namespace pare::train {

namespace {

ir::Model run(const ir::Model& model, const pass::Options& options, pass::Context& context) {
  TrainPlan plan;
  plan.initial = ready_for_data(model, context.train->info());
  plan.options = train_options_from(options, context.seed, context.threads);
  plan.train = context.train;
  plan.validation = context.validation;
  plan.checkpoint = context.checkpoint;
  plan.resume = context.resume;
  plan.identity = {{"pass", "train"}, {"inputs", context.input_hashes}};
  plan.progress = context.progress;
  TrainResult result = context.trainer->fit(plan);
  context.progress->log(summary_of(result));
  return std::move(result.model);
}

}  // namespace

pass::PassInfo train_pass() {
  return {.name = "train",
          .summary = "Train a model on labelled data",
          .options = training_options(),
          .trains = [](const pass::Options&) { return true; },
          .validate = check_training_options,
          .run = run};
}

}  // namespace pare::train
