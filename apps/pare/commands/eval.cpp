// SPDX-License-Identifier: Apache-2.0
// pare eval: models, or predictions of models that ran elsewhere, against the first of them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/count_list.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "lib/core/output_file.hpp"
#include "lib/eval/evaluate.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kPages[] = {"md", "html"};

constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMaxBatch = 65536;

pass::Schema measuring_options() {
  using pass::OptionType;
  return {{.name = "threads",
           .help = "Threads: latency is measured with each number of a list, 1 unless stated; all "
                   "else takes the largest (default: CPUs this process may use; 1 under make -j)",
           .changes_result = false,
           .metavar = "N,N,..."},
          {.name = "batch_size",
           .fallback = "1",
           .help = "Items a run while measuring latency, each number with each of --threads",
           .metavar = "N,N,..."},
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
  int results_on_stdout = options.flag("json") ? 1 : 0;
  for (const char* page : kPages) results_on_stdout += options.text(page) == "-" ? 1 : 0;
  if (results_on_stdout > 1)
    throw UsageError("-", "stdout can take only one of the results asked for");
  count_list(options, "threads", kMaxThreads);
  count_list(options, "batch_size", kMaxBatch);
  if (!options.flag("no_latency")) return;
  for (const char* name : {"batch_size", "latency_blocks", "price_per_hour"}) {
    if (!options.given(name)) continue;
    throw UsageError(pass::flag_of(*pass::find(measuring_options(), name)),
                     "has no effect with --no-latency");
  }
}

// File names without extension, numbered where two are the same.
std::vector<std::string> names_of(const std::vector<std::string>& paths) {
  std::map<std::string, int> seen;
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    const std::string stem = fs::path(path).stem().string();
    const int count = ++seen[stem];
    names.push_back(count == 1 ? stem : stem + " (" + std::to_string(count) + ")");
  }
  return names;
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

int terminal_width(const Environment& environment) {
  winsize size{};
  if (!environment.stdout_terminal) return 0;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void write_results(const Invocation& invocation, const eval::Report& report) {
  bool stdout_taken = false;
  for (const std::string page : kPages) {
    const std::string path = invocation.text(page);
    if (path.empty()) continue;
    write_text_file(path, page == "md" ? eval::to_markdown(report) : eval::to_html(report));
    stdout_taken = stdout_taken || path == "-";
    if (path != "-") invocation.progress.log("wrote " + path);
  }
  if (stdout_taken) return;
  const Environment& environment = invocation.environment;
  const std::string text =
      invocation.flag("json")
          ? to_text(eval::to_json(report), 2) + "\n"
          : eval::to_terminal(report,
                              {.colour = environment.color(environment.stdout_terminal),
                               .width = terminal_width(environment),
                               .plot = invocation.flag("plot") || environment.stdout_terminal});
  std::fwrite(text.data(), 1, text.size(), stdout);
}

ExitCode run(const Invocation& invocation) {
  const pass::Options& options = invocation.options;
  for (const char* page : kPages) {
    if (options.given(page)) check_writable(options.text(page));
  }
  std::vector<eval::Candidate> candidates = load_candidates(invocation);
  const std::string part = options.text("split");
  const std::string data = options.text("data");
  const data::Splits splits =
      open_data(invocation, data, part == "test" ? "test" : "train", first_model(candidates));
  const auto items = part_of(splits, part, data);
  if (invocation.flag("dry_run")) {
    invocation.progress.log("inputs are fine; would evaluate on " + std::to_string(items->size()) +
                            " items");
    return ExitCode::kOk;
  }
  const std::vector<int64_t> threads = count_list(options, "threads", kMaxThreads);
  const auto blocks = static_cast<int>(options.integer("latency_blocks"));
  const eval::EvalOptions settings{
      .threads = invocation.threads,
      .seed = static_cast<uint64_t>(options.integer("seed")),
      .measure_latency = !options.flag("no_latency"),
      .latency_threads =
          threads.empty() ? std::vector<int>{1} : std::vector<int>(threads.begin(), threads.end()),
      .latency_batches = count_list(options, "batch_size", kMaxBatch),
      .latency = {.blocks = blocks,
                  .max_blocks = std::max(blocks, eval::LatencyOptions{}.max_blocks)},
      .price_per_hour = options.given("price_per_hour")
                            ? std::optional(options.number("price_per_hour"))
                            : std::nullopt,
      .measure_memory = !options.flag("no_memory")};
  write_results(invocation,
                eval::evaluate(std::move(candidates), *items, settings, invocation.progress));
  return ExitCode::kOk;
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
                 {"Report",
                  {{.name = "md",
                    .help = "Write the report as Markdown; - is stdout",
                    .changes_result = false,
                    .metavar = "OUT"},
                   {.name = "html",
                    .help = "Write the report as one self-contained page; - is stdout",
                    .changes_result = false,
                    .metavar = "OUT"},
                   {.name = "plot",
                    .type = OptionType::kFlag,
                    .help = "Draw accuracy against size below the table; a terminal gets it anyway",
                    .changes_result = false}}},
                 reading_group({"from", "arch", "graph", "bind", "input_shape"}),
                 preprocessing_group(),
                 general_group({"seed", "json", "dry_run", "print_config", "quiet", "verbose"})},
      .examples =
          {"pare eval teacher.pare student.pare student.int8.pare --data fashion-mnist/ \\\n"
           "      --html report.html"},
      .run = run,
      .check = check};
}

}  // namespace pare::cli
