// SPDX-License-Identifier: Apache-2.0
#include "prune/recovery_options.hpp"

#include "lib/core/error.hpp"
#include "lib/train/trainer.hpp"

namespace pare::prune {

namespace {

// Where recovery differs from training from scratch: a lower peak rate on a falling schedule keeps
// what the network knows.
const Json& recovery_defaults() {
  static const Json kDefaults = {{"learning_rate", 0.05}, {"schedule", "cosine"}};
  return kDefaults;
}

Json default_of(const pass::Option& option) {
  const auto it = recovery_defaults().find(option.name);
  return it != recovery_defaults().end() ? *it : option.fallback;
}

pass::Schema distillation_options() {
  return {
      {.name = "temperature",
       .type = pass::OptionType::kNumber,
       .help = "Softens teacher and student alike: softmax(logits / T) (default: 4)",
       .min = 0,
       .max = 1000,
       .min_open = true,
       .metavar = "T"},
      {.name = "alpha",
       .type = pass::OptionType::kNumber,
       .help = "Weight of the teacher: loss = alpha T^2 KL(teacher || student) + (1 - alpha) CE "
               "(default: 0.7)",
       .min = 0,
       .max = 1,
       .metavar = "FRACTION"},
  };
}

}  // namespace

pass::Schema recovery_options() {
  pass::Schema rows;
  for (pass::Option row : train::training_options()) {
    // Masks are complete only at the end, so no earlier epoch can be the one to keep.
    if (row.name == "patience") continue;
    const Json fallback = default_of(row);
    if (row.name == "epochs") {
      row.help =
          "Prune gradually while training so many epochs, and recover; without it the pass is "
          "one-shot";
    } else if (!fallback.is_null() && fallback != Json(false)) {
      const std::string shown =
          fallback.is_string() ? fallback.get<std::string>() : to_text(fallback);
      row.help = row.help.substr(0, row.help.find(" (default")) + " (default: " + shown + ")";
    }
    row.fallback = nullptr;
    rows.push_back(std::move(row));
  }
  for (auto& row : distillation_options()) rows.push_back(std::move(row));
  return rows;
}

void validate_recovery(const pass::Options& options) {
  if (options.given("epochs")) return train::check_training_options(training_values(options));
  for (const auto& row : recovery_options()) {
    if (options.given(row.name)) throw UsageError(flag_of(row), "has no effect without --epochs");
  }
}

pass::Options training_values(const pass::Options& options) {
  const pass::Schema schema = train::training_options();
  const Json stated = options.stated();
  Json values = recovery_defaults();
  for (const auto& row : schema) {
    if (stated.contains(row.name)) values[row.name] = stated[row.name];
  }
  return pass::Options(schema, values);
}

double distillation_value(const pass::Options& options, const std::string& name) {
  if (options.given(name)) return options.number(name);
  return name == "temperature" ? 4.0 : 0.7;
}

}  // namespace pare::prune
