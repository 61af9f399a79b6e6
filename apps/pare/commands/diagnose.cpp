// SPDX-License-Identifier: Apache-2.0
// pare diagnose: where a compressed model loses its accuracy, why, and the command that repairs it.
#include <array>
#include <filesystem>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/diagnose/repair_trial.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/report_output.hpp"

namespace pare::cli {

namespace {

constexpr int64_t kDefaultSamples = 1000;
constexpr std::array<std::string_view, 1> kPages{"html"};

void check(const pass::Options& options) {
  if (!options.given("data")) throw UsageError("--data", "is needed: what to diagnose on");
  check_pages(options, kPages);
  if (options.flag("no_repair") && options.given("calibration_data")) {
    throw UsageError("--calibration-data", "has no effect with --no-repair");
  }
}

struct Parts {
  std::string choice_name, effect_name;
  RepairData data;
};

std::shared_ptr<const data::Dataset> every_second(std::shared_ptr<const data::Dataset> items,
                                                  int64_t first) {
  std::vector<int64_t> picked;
  for (int64_t i = first; i < items->size(); i += 2) picked.push_back(i);
  return data::subset(std::move(items), std::move(picked));
}

// Repairs are chosen on other items than those that their effect is measured on: validation and
// test, or the halves of the one part there is.
Parts choose_parts(const data::Splits& splits, const std::string& path) {
  if (splits.validation && splits.validation->size() > 0 && splits.test &&
      splits.test->size() > 0) {
    return {"validation", "test", {splits.validation, splits.test}};
  }
  for (const char* name : {"test", "validation", "train"}) {
    const auto& part = std::string_view(name) == "test"         ? splits.test
                       : std::string_view(name) == "validation" ? splits.validation
                                                                : splits.train;
    if (!part || part->size() == 0) continue;
    if (part->size() < 2) throw Error(path, "holds one item; at least two are needed");
    return {std::string(name) + ", even items",
            std::string(name) + ", odd items",
            {every_second(part, 0), every_second(part, 1)}};
  }
  throw Error(path, "holds no items");
}

eval::DiagnosisInput input_of(const LoadedModel& loaded) {
  return {.about = {.name = std::filesystem::path(loaded.path).stem().string(),
                    .path = loaded.path,
                    .file_bytes = loaded.bytes},
          .model = &loaded.model};
}

void write_results(const Invocation& invocation, const eval::Diagnosis& diagnosis) {
  write_result(
      invocation, {{"html", [&] { return eval::to_html(diagnosis); }}},
      [&] { return eval::to_json(diagnosis); },
      [&](const eval::TerminalStyle& style) {
        return eval::to_terminal(diagnosis, style, invocation.options.integer("top"));
      });
}

ExitCode run(const Invocation& invocation) {
  const pass::Options& options = invocation.options;
  check_pages_writable(options, kPages);
  const std::string calibration = options.text("calibration_data");
  if (!calibration.empty() && !calibration.starts_with("synthetic:")) check_exists(calibration);
  const std::vector<LoadedModel> models = load_models(invocation, invocation.positionals);
  const std::string data = options.text("data");
  const Parts parts =
      choose_parts(open_data(invocation, data, "train", &models.front().model), data);
  auto items = parts.data.choice;
  const int64_t samples = options.given("samples") ? options.integer("samples") : kDefaultSamples;
  const auto seed = static_cast<uint64_t>(options.integer("seed"));
  if (items->size() > samples) items = data::sample(items, samples, seed);
  if (invocation.flag("dry_run")) {
    invocation.progress.log("inputs are fine; would diagnose on " + std::to_string(items->size()) +
                            " items of " + parts.choice_name);
    return ExitCode::kOk;
  }
  eval::Diagnosis diagnosis =
      eval::diagnose(input_of(models[0]), input_of(models[1]), *items,
                     {.threads = invocation.threads, .seed = seed}, invocation.progress);
  diagnosis.part_of_data = parts.choice_name;
  if (options.flag("no_repair")) {
    for (eval::Finding& finding : diagnosis.findings) finding.no_repair = "not asked for";
  } else if (!diagnosis.findings.empty()) {
    diagnosis.effect_part = parts.effect_name;
    add_repairs(invocation, models[0], models[1], {items, parts.data.effect}, diagnosis);
  }
  write_results(invocation, diagnosis);
  return ExitCode::kOk;
}

OptionGroup measuring_group() {
  using pass::OptionType;
  return {"Measuring",
          {{.name = "samples",
            .type = OptionType::kInteger,
            .help = "Items to diagnose on, of the validation part where there is one (default: "
                    "1000); repairs are measured on the whole test part",
            .min = 2,
            .metavar = "N"},
           {.name = "no_repair", .type = OptionType::kFlag, .help = "Do not look for repairs"},
           {.name = "calibration_data",
            .help = "Data set to calibrate repairs with (default: the one given with --data)",
            .metavar = "PATH"}}};
}

}  // namespace

Command make_diagnose() {
  using pass::OptionType;
  OptionGroup data = data_group("to diagnose on (required)");
  OptionGroup report{"Report", page_options(kPages)};
  report.options.insert(report.options.begin(),
                        {.name = "top",
                         .type = OptionType::kInteger,
                         .fallback = 20,
                         .help = "Layers to show on the terminal, largest share first; 0 is all",
                         .min = 0,
                         .changes_result = false,
                         .metavar = "N"});
  // Only classifiers are diagnosed, and --samples says on how much.
  std::erase_if(data.options, [](const pass::Option& option) {
    return option.name == "limit" || option.name == "task";
  });
  return {.name = "diagnose",
          .summary =
              "Show where a compressed model loses accuracy against its base, layer by layer, and "
              "why; print the command that repairs it, with its measured effect",
          .positional = {"MODEL", "The base, and the candidate that was made of it", 2, 2},
          .groups = {data, measuring_group(), report,
                     reading_group({"from", "arch", "graph", "bind", "input_shape"}),
                     preprocessing_group(),
                     general_group({"threads", "seed", "json", "dry_run", "print_config", "quiet",
                                    "verbose"})},
          .examples = {"pare diagnose model.pare model.int8.pare --data fashion-mnist/ \\\n"
                       "      --html diagnosis.html"},
          .run = run,
          .check = check};
}

}  // namespace pare::cli
