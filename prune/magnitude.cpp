// SPDX-License-Identifier: Apache-2.0
#include "prune/magnitude.hpp"

#include "lib/core/error.hpp"
#include "lib/pass/weight_layers.hpp"
#include "prune/recovery.hpp"
#include "prune/recovery_options.hpp"
#include "prune/targets.hpp"

namespace pare::prune {

namespace {

using pass::Option;
using pass::OptionType;

pass::Schema options() {
  pass::Schema rows = {
      {.name = "sparsity",
       .type = OptionType::kNumber,
       .help = "Fraction of the weights to set to zero, exact to the element",
       .min = 0,
       .max = 1,
       .max_open = true,
       .metavar = "FRACTION"},
      {.name = "scope",
       .type = OptionType::kChoice,
       .fallback = "global",
       .help = "Rank weights of all layers together (global) or within each layer (layer)",
       .choices = {"global", "layer"}},
      {.name = "pattern",
       .type = OptionType::kChoice,
       .fallback = "unstructured",
       .help = "Any weight may go (unstructured), or 2 of every 4 along a row stay (2:4)",
       .choices = {"unstructured", "2:4"}},
      {.name = "exclude",
       .type = OptionType::kTextList,
       .help = "Leave layers alone whose weight or node name matches; * and ? are wildcards",
       .metavar = "PATTERN"},
      {.name = "layer",
       .type = OptionType::kTextList,
       .help = "Give matching layers their own sparsity, ranked within each layer",
       .metavar = "PATTERN=sparsity:FRACTION"},
  };
  for (auto& row : recovery_options()) rows.push_back(std::move(row));
  return rows;
}

void check_teacher(const pass::Options& options, const pass::Context& context) {
  if (!context.teachers.empty() && !options.given("epochs")) {
    throw UsageError("--teacher", "has no effect without --epochs");
  }
  for (const char* name : {"temperature", "alpha"}) {
    if (context.teachers.empty() && options.given(name)) {
      throw UsageError(std::string("--") + name, "has no effect without --teacher");
    }
  }
}

ir::Model run(const ir::Model& model, const pass::Options& options, pass::Context& context) {
  check_teacher(options, context);
  // Groups of 2:4 run along the reduction, where sparse kernels want them.
  const bool pattern = options.text("pattern") != "unstructured";
  ir::Model input = pattern ? pass::with_output_rows(model) : model;
  const Targets targets = resolve_targets(input, options);
  if (options.given("epochs")) input = train_with_masks(input, targets, options, context);
  return pruned(input, targets, context.threads, *context.progress);
}

}  // namespace

pass::PassInfo magnitude_pass() {
  return {
      .name = "prune",
      .summary = "Set the smallest weights of Conv, Gemm and MatMul to zero and store the rest",
      .options = options(),
      .trains = [](const pass::Options& o) { return o.given("epochs"); },
      .validate =
          [](const pass::Options& o) {
            validate_targets(o);
            validate_recovery(o);
          },
      .run = run,
  };
}

}  // namespace pare::prune
