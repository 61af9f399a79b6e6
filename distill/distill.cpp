// SPDX-License-Identifier: Apache-2.0
// `distill`: trains the model (the student) to give the answers of one or several teachers as well
// as the labels; optionally measures whether the teachers helped (control.hpp).
#include "distill/control.hpp"
#include "distill/passes.hpp"
#include "lib/core/error.hpp"

namespace pare::distill {

namespace {

using pass::OptionType;

pass::Schema distillation_options() {
  pass::Schema rows = {
      {.name = "temperature",
       .type = OptionType::kNumber,
       .fallback = 4.0,
       .help = "Softens teacher and student alike: softmax(logits / T)",
       .min = 0,
       .max = 1000,
       .min_open = true,
       .metavar = "T"},
      {.name = "alpha",
       .type = OptionType::kNumber,
       .fallback = 0.7,
       .help = "Weight of the teacher: loss = alpha T^2 KL(teacher || student) + (1 - alpha) CE",
       .min = 0,
       .max = 1,
       .metavar = "FRACTION"},
      {.name = "match",
       .type = OptionType::kTextList,
       .help = "Also match an intermediate value, TEACHER_VALUE:STUDENT_VALUE=mse|cosine*WEIGHT; a "
               "projection is learned when widths differ",
       .metavar = "RULE"},
      {.name = "cache_logits",
       .help = "HDF5 file that keeps the teachers' answers between runs",
       .changes_result = false,
       .metavar = "FILE"},
      {.name = "control",
       .type = OptionType::kInteger,
       .help = "Also train N seeds with and without the teacher, and say whether it helped",
       .min = 2,
       .max = 100,
       .metavar = "N"},
      {.name = "control_epochs",
       .type = OptionType::kInteger,
       .help = "Epochs of each control run (default: as many as --epochs)",
       .min = 1,
       .max = 1e6,
       .metavar = "N"},
  };
  for (auto& row : train::training_options()) rows.push_back(std::move(row));
  return rows;
}

std::vector<train::Match> matches_of(const pass::Options& options) {
  std::vector<train::Match> matches;
  for (const std::string& text : options.list("match")) matches.push_back(train::parse_match(text));
  return matches;
}

void validate(const pass::Options& options) {
  train::check_training_options(options);
  matches_of(options);
  if (options.given("control_epochs") && !options.given("control")) {
    throw UsageError("--control-epochs", "has no effect without --control");
  }
  if (options.given("match") && options.given("cache_logits")) {
    throw UsageError("--cache-logits",
                     "has no effect with --match, which runs the teacher for its values anyway");
  }
}

train::Distillation distillation_of(const pass::Options& options, const pass::Context& context) {
  train::Distillation out{.temperature = options.number("temperature"),
                          .alpha = options.number("alpha"),
                          .matches = matches_of(options),
                          .logits_cache = options.text("cache_logits")};
  for (const pass::NamedModel& teacher : context.teachers) {
    out.teachers.push_back(&teacher.model);
    out.teacher_hashes.push_back(teacher.sha256);
  }
  return out;
}

ir::Model run(const ir::Model& model, const pass::Options& options, pass::Context& context) {
  if (context.teachers.empty()) throw UsageError("--teacher", "is needed to distil");
  train::TrainPlan plan;
  plan.initial = train::ready_for_data(model, context.train->info());
  plan.options = train::train_options_from(options, context.seed, context.threads);
  plan.train = context.train;
  plan.validation = context.validation;
  plan.distillation = distillation_of(options, context);
  plan.checkpoint = context.checkpoint;
  plan.resume = context.resume;
  plan.identity = {{"pass", "distill"}, {"inputs", context.input_hashes}};
  plan.progress = context.progress;
  train::TrainResult result = context.trainer->fit(plan);
  context.progress->log(train::summary_of(result));
  if (options.has("control")) {
    const int64_t epochs =
        options.has("control_epochs") ? options.integer("control_epochs") : plan.options.epochs;
    const ControlResult control =
        run_control(plan, result.model, options.integer("control"), epochs, context);
    context.progress->log(verdict(control));
    result.model.metadata.source["control"] = to_json(control);
  }
  return std::move(result.model);
}

}  // namespace

pass::PassInfo distill_pass() {
  return {.name = "distill",
          .summary = "Train a small model to imitate larger ones",
          .options = distillation_options(),
          .trains = [](const pass::Options&) { return true; },
          .validate = validate,
          .run = run};
}

}  // namespace pare::distill
