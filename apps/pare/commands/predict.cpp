// SPDX-License-Identifier: Apache-2.0
// pare predict: what a model says about every item, for `pare eval` or for other tools.
#include <cstdio>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/pass_result.hpp"
#include "lib/core/output_file.hpp"
#include "lib/eval/predictions.hpp"

namespace pare::cli {

namespace {

void check(const pass::Options& options) {
  require_output(options, "predict");
  if (!options.given("data")) throw UsageError("--data", "is needed: what to predict");
  const std::string output = options.text("output");
  if (!eval::is_predictions_path(output)) {
    throw UsageError(output, "predictions are written as .npz or .csv");
  }
}

ExitCode run(const Invocation& invocation) {
  const std::string output = invocation.text("output");
  const std::string path = invocation.positionals.front();
  const std::string part = invocation.text("split");
  const std::string data = invocation.text("data");
  check_writable(output);
  const LoadedModel loaded = load_model(invocation, path);
  const data::Splits splits =
      open_data(invocation, data, part == "test" ? "test" : "train", &loaded.model);
  const auto items = part_of(splits, part, data);
  if (invocation.flag("dry_run")) return ExitCode::kOk;
  const eval::Predictions predictions = eval::predict(
      loaded.model, *items,
      {.threads = invocation.threads, .batch = invocation.options.integer("batch_size")}, path,
      invocation.progress);
  eval::write_predictions(predictions, output);
  std::printf("%s: %s predictions\n", escaped(output).c_str(), grouped(predictions.items).c_str());
  return ExitCode::kOk;
}

}  // namespace

Command make_predict() {
  OptionGroup data = data_group("to predict (required)");
  data.options.push_back(split_option("part of the data set to predict"));
  return {.name = "predict",
          .summary = "Write a model's predictions and logits for a data set",
          .positional = {"MODEL", "The model to run", 1, 1},
          .groups = {{"Output", {output_option("File to write, .npz or .csv", true)}},
                     data,
                     {"Running",
                      {{.name = "batch_size",
                        .type = pass::OptionType::kInteger,
                        .fallback = 64,
                        .help = "Items at once",
                        .min = 1,
                        .max = 65536}}},
                     reading_group({"from", "arch", "graph", "bind", "input_shape"}),
                     preprocessing_group(),
                     automation_group(),
                     general_group({"threads", "dry_run", "print_config", "quiet", "verbose"})},
          .examples = {"pare predict student.int8.pare --data fashion-mnist/ -o predictions.npz",
                       "pare eval teacher.pare predictions.npz --data fashion-mnist/"},
          .run = run,
          .check = check};
}

}  // namespace pare::cli
