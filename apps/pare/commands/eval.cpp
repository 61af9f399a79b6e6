// SPDX-License-Identifier: Apache-2.0
// pare eval: models, or predictions of models that ran elsewhere, against the first of them.
#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/report_output.hpp"
#include "lib/eval/evaluate.hpp"
#include "lib/eval/report/verdicts.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPages[] = {"junit", "md", "html"};
constexpr std::string_view kOutputs[] = {"junit", "md", "html", "flips"};

pass::Schema measuring_options() {
  using pass::OptionType;
  return {{.name = "threads",
           .type = OptionType::kIntegerList,
           .help = "Threads: latency is measured with each number of a list, 1 unless stated; all "
                   "else takes the largest (default: CPUs this process may use; 1 under make -j)",
           .min = 1,
           .max = 1024},
          {.name = "batch_size",
           .type = OptionType::kIntegerList,
           .fallback = Json::array({1}),
           .help = "Items a run while measuring latency, each number with each of --threads",
           .min = 1,
           .max = 65536},
          {.name = "latency_blocks",
           .type = OptionType::kInteger,
           .fallback = 40,
           .help = "Blocks of latency runs, at least: more narrow the intervals",
           .min = 5,
           .max = 100000},
          {.name = "price_per_hour",
           .type = OptionType::kNumber,
           .help = "What an hour of this machine costs, for the cost of a million inferences",
           .min = 0,
           .min_open = true,
           .metavar = "PRICE"},
          {.name = "no_latency", .type = OptionType::kFlag, .help = "Do not measure latency"},
          {.name = "no_memory", .type = OptionType::kFlag, .help = "Do not measure peak memory"}};
}

void check(const pass::Options& options) {
  if (!options.given("data")) throw UsageError("--data", "is needed: what to evaluate on");
  check_pages(options, kOutputs);
  if (options.given("junit") && !options.given("budget")) {
    throw UsageError("--junit", "has no effect without --budget: it holds verdicts");
  }
  if (!options.flag("no_latency")) return;
  for (const char* name : {"batch_size", "latency_blocks", "price_per_hour"}) {
    if (!options.given(name)) continue;
    throw UsageError(pass::flag_of(*pass::find(measuring_options(), name)),
                     "has no effect with --no-latency");
  }
}

// File names without extension; with their folder where that tells equal ones apart, and numbered
// where it does not.
std::vector<std::string> names_of(const std::vector<std::string>& paths) {
  std::map<std::string, int> stems;
  for (const std::string& path : paths) ++stems[fs::path(path).stem().string()];
  std::map<std::string, int> seen;
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    std::string name = fs::path(path).stem().string();
    const std::string folder = fs::path(path).parent_path().filename().string();
    if (stems[name] > 1 && !folder.empty()) name.insert(0, folder + "/");
    const int count = ++seen[name];
    names.push_back(count == 1 ? name : name + " (" + std::to_string(count) + ")");
  }
  return names;
}

pass::Schema result_options() {
  pass::Schema options = page_options(kPages);
  options.push_back({.name = "flips",
                     .help = "Write the items that only one of two models gets right, as CSV",
                     .changes_result = false,
                     .metavar = "OUT"});
  options.push_back(
      {.name = "plot",
       .type = pass::OptionType::kFlag,
       .help = "Draw accuracy against size below the table; a terminal gets it anyway",
       .changes_result = false});
  return options;
}

std::vector<eval::SliceColumn> load_slices(const pass::Options& options,
                                           const data::Dataset& items) {
  std::vector<eval::SliceColumn> columns;
  for (const std::string& name : options.list("slice")) {
    columns.push_back(eval::slice_by_column(items, name));
  }
  if (options.given("slice_file")) {
    for (auto& column : eval::read_slices(options.text("slice_file"), items.size())) {
      columns.push_back(std::move(column));
    }
  }
  return columns;
}

std::vector<eval::Candidate> load_candidates(const Invocation& invocation) {
  const std::vector<std::string>& paths = invocation.positionals;
  std::vector<std::string> model_paths;
  for (const std::string& path : paths) {
    if (!eval::is_predictions_path(path)) model_paths.push_back(path);
  }
  std::vector<LoadedModel> models = load_models(invocation, model_paths);
  auto next = models.begin();
  const std::vector<std::string> names = names_of(paths);
  std::vector<eval::Candidate> candidates;
  for (size_t i = 0; i < paths.size(); ++i) {
    eval::Candidate candidate{.name = names[i], .path = paths[i]};
    if (eval::is_predictions_path(paths[i])) {
      candidate.predictions = eval::read_predictions(paths[i]);
    } else {
      candidate.file_bytes = next->bytes;
      candidate.model = std::move(next->model);
      ++next;
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

const ir::Model* first_model(const std::vector<eval::Candidate>& candidates) {
  for (const eval::Candidate& candidate : candidates) {
    if (candidate.model) return &*candidate.model;
  }
  return nullptr;
}

// What a budget asks for must be measured; saying so costs nothing before the work.
void check_measured(const eval::Budget& budget, const pass::Options& options) {
  for (const eval::BudgetEntry& entry : budget.entries) {
    if (entry.key->name == "worst_slice_drop" && !options.given("slice") &&
        !options.given("slice_file")) {
      throw UsageError("--slice",
                       "or --slice-file is needed for worst_slice_drop of " + escaped(budget.path));
    }
    if (entry.key->measured_by_clock && options.flag("no_latency")) {
      throw UsageError("--no-latency", "contradicts " + std::string(entry.key->name) + " of " +
                                           escaped(budget.path));
    }
    if (entry.key->name.starts_with("peak_memory") && options.flag("no_memory")) {
      throw UsageError("--no-memory", "contradicts " + std::string(entry.key->name) + " of " +
                                          escaped(budget.path));
    }
  }
}

ExitCode write_results(const Invocation& invocation, const eval::Report& report) {
  const std::vector<Page> pages = {
      {"junit", [&] { return eval::gate_junit(*report.budget, eval::judged_of(report)); }},
      {"md", [&] { return eval::to_markdown(report); }},
      {"html", [&] { return eval::to_html(report); }},
      {"flips", [&] { return eval::flips_csv(report); }}};
  write_result(
      invocation, pages, [&] { return eval::to_json(report); },
      [&](eval::TerminalStyle style) {
        style.plot = invocation.flag("plot") || invocation.environment.stdout_terminal;
        return eval::to_terminal(report, style);
      });
  return report.budget ? exit_code_of(eval::worst_verdict(eval::judged_of(report))) : ExitCode::kOk;
}

ExitCode run(const Invocation& invocation) {
  const pass::Options& options = invocation.options;
  check_pages_writable(options, kOutputs);
  std::optional<eval::Budget> budget;
  if (options.given("budget")) {
    budget = eval::read_budget(options.text("budget"));
    check_measured(*budget, options);
    if (invocation.positionals.size() < 2) {
      throw UsageError("--budget", "judges candidates against a base, but only one model is given");
    }
  }
  std::vector<eval::Candidate> candidates = load_candidates(invocation);
  const std::string part = options.text("split");
  const std::string data = options.text("data");
  const data::Splits splits =
      open_data(invocation, data, part == "test" ? "test" : "train", first_model(candidates));
  const auto items = part_of(splits, part, data);
  if (items->info().is_regression() && options.given("flips")) {
    throw UsageError("--flips", "lists changed answers, but the data holds numbers to predict");
  }
  std::vector<eval::SliceColumn> slices = load_slices(options, *items);
  if (invocation.flag("dry_run")) {
    invocation.progress.log("inputs are fine; would evaluate on " + std::to_string(items->size()) +
                            " items");
    return ExitCode::kOk;
  }
  const std::vector<int64_t> threads = options.integers("threads");
  const auto blocks = static_cast<int>(options.integer("latency_blocks"));
  const eval::EvalOptions settings{
      .threads = invocation.threads,
      .seed = static_cast<uint64_t>(options.integer("seed")),
      .measure_latency = !options.flag("no_latency"),
      .latency_threads =
          threads.empty() ? std::vector<int>{1} : std::vector<int>(threads.begin(), threads.end()),
      .latency_batches = options.integers("batch_size"),
      .latency = {.blocks = blocks,
                  .max_blocks = std::max(blocks, eval::LatencyOptions{}.max_blocks)},
      .price_per_hour = options.given("price_per_hour")
                            ? std::optional(options.number("price_per_hour"))
                            : std::nullopt,
      .measure_memory = !options.flag("no_memory"),
      .slices = std::move(slices)};
  eval::Report report =
      eval::evaluate(std::move(candidates), *items, settings, invocation.progress);
  if (budget) eval::apply_budget(report, std::move(*budget));
  return write_results(invocation, report);
}

}  // namespace

Command make_eval() {
  using pass::OptionType;
  OptionGroup data = data_group("to evaluate on (required)");
  data.options.push_back(split_option("part of the data set to evaluate on"));
  return {
      .name = "eval",
      .summary =
          "Compare models with the first of them: accuracy on the same items, file size, "
          "latency and memory",
      .positional = {"MODEL", "Models, or predictions that pare predict wrote (.npz, .csv)", 1, -1},
      .groups = {data,
                 {"Measuring", measuring_options()},
                 {"Judging",
                  {budget_option(),
                   {.name = "slice",
                    .type = OptionType::kTextList,
                    .help = "Compare on the items of each value of this column, too",
                    .metavar = "COLUMN"},
                   {.name = "slice_file",
                    .help =
                        "Compare on slices: a CSV file with a column a slicing and a row an item",
                    .metavar = "CSV"}}},
                 {"Result", result_options()},
                 reading_group({"from", "arch", "graph", "bind", "input_shape"}),
                 preprocessing_group(),
                 automation_group(),
                 general_group({"seed", "json", "dry_run", "print_config", "quiet", "verbose"})},
      .examples =
          {"pare eval teacher.pare student.pare student.int8.pare --data fashion-mnist/ \\\n"
           "      --html report.html",
           "pare eval base.pare new.pare --data test/ --budget budget.json --md comment.md"},
      .run = run,
      .check = check};
}

}  // namespace pare::cli
