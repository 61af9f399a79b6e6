// SPDX-License-Identifier: Apache-2.0
// pare run: the steps of a recipe, each in a process of its own, exactly as its printed command
// line.
#include <algorithm>
#include <cstdio>
#include <set>

#include "apps/pare/child.hpp"
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/recipe/forecast.hpp"
#include "apps/pare/recipe/identity.hpp"
#include "apps/pare/recipe/recipe.hpp"
#include "apps/pare/recipe/scheduler.hpp"
#include "apps/pare/recipe/state.hpp"
#include "apps/pare/signals.hpp"

namespace pare::cli {

namespace {

constexpr int kSchemaVersion = 1;

// NAME=VALUE; a value that is a JSON number or true or false is one, anything else is text.
std::map<std::string, Json> variables_of(const pass::Options& options) {
  std::map<std::string, Json> variables;
  for (const std::string& item : options.list("set")) {
    const size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError("--set", "NAME=VALUE is expected, got \"" + item + "\"");
    }
    const std::string text = item.substr(equals + 1);
    const Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool typed = parsed.is_number() || parsed.is_boolean();
    variables[item.substr(0, equals)] = typed ? parsed : Json(text);
  }
  return variables;
}

// Flags of this run that go on to every step.
Json flags_for_steps(const pass::Options& options) {
  Json extra = Json::object();
  for (const char* name : {"threads", "quiet", "verbose"}) {
    if (options.given(name)) extra[name] = options.stated()[name];
  }
  return extra;
}

// Files that no step makes must be there before the first step starts.
void check_sources(const Recipe& recipe) {
  std::set<std::string> made;
  for (const RecipeStep& step : recipe.steps) {
    for (const std::string& path : files_read(step.command, step.positionals, step.options)) {
      if (!made.contains(path)) check_exists(path);
    }
    made.insert(step.outputs.begin(), step.outputs.end());
  }
}

std::string position(size_t step, const Recipe& recipe) {
  return "[" + std::to_string(step + 1) + "/" + std::to_string(recipe.steps.size()) + "] " +
         recipe.steps[step].name;
}

// ---- --dry-run ---------------------------------------------------------------------------------

// What would run: a step whose inputs are going to change runs, whatever its outputs are now.
std::vector<bool> steps_to_run(const Recipe& recipe, RecipeState& state, bool force) {
  const std::vector<std::vector<size_t>> needs = prerequisites_of(recipe);
  std::vector<bool> runs;
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const RecipeStep& step = recipe.steps[i];
    const bool stale = std::ranges::any_of(needs[i], [&](size_t need) { return runs[need]; });
    runs.push_back(force || stale || !state.up_to_date(step, state.hash_of(step)));
  }
  return runs;
}

struct PlannedStep {
  bool runs;
  std::string line;
  Forecast forecast;
};

std::string foreseen(const PlannedStep& step) {
  if (!step.runs) return "up to date";
  std::string out = "runs";
  if (step.forecast.bytes) out += ", writes about " + rounded_bytes(*step.forecast.bytes);
  if (step.forecast.memory) {
    out += ", takes about " + rounded_bytes(*step.forecast.memory) + " of memory";
  }
  return out;
}

Json plan_json(const Recipe& recipe, const std::vector<PlannedStep>& plan) {
  Json steps = Json::array();
  for (size_t i = 0; i < plan.size(); ++i) {
    const Forecast& forecast = plan[i].forecast;
    steps.push_back(
        Json{{"name", recipe.steps[i].name},
             {"status", plan[i].runs ? "to run" : "up to date"},
             {"command", plan[i].line},
             {"outputs", recipe.steps[i].outputs},
             {"predicted_bytes", forecast.bytes ? Json(*forecast.bytes) : Json()},
             {"predicted_memory_bytes", forecast.memory ? Json(*forecast.memory) : Json()}});
  }
  return {{"schema_version", kSchemaVersion}, {"output_dir", recipe.output_dir}, {"steps", steps}};
}

// The plan as a shell script that does the same; steps that are up to date are comments.
void print_plan(const Invocation& invocation, const Recipe& recipe, RecipeState& state) {
  const Json extra = flags_for_steps(invocation.options);
  const std::vector<bool> runs = steps_to_run(recipe, state, invocation.flag("force"));
  Forecaster forecaster;
  std::vector<PlannedStep> plan;
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const RecipeStep& step = recipe.steps[i];
    plan.push_back({runs[i], shell_line(arguments_of(step, extra)), forecaster.of(step)});
  }
  if (invocation.flag("json")) {
    std::printf("%s\n", to_text(plan_json(recipe, plan), 2).c_str());
    return;
  }
  std::printf("mkdir -p %s\n", shell_word(recipe.output_dir).c_str());
  for (size_t i = 0; i < plan.size(); ++i) {
    std::printf("# %s: %s\n%s%s\n", position(i, recipe).c_str(), foreseen(plan[i]).c_str(),
                plan[i].runs ? "" : "# ", plan[i].line.c_str());
  }
}

// ---- the run -----------------------------------------------------------------------------------

std::string_view name_of(StepStatus status) {
  switch (status) {
    case StepStatus::kWaiting:
      return "not run";
    case StepStatus::kRunning:
      return "running";
    case StepStatus::kDone:
      return "done";
    case StepStatus::kUpToDate:
      return "up to date";
    case StepStatus::kFailed:
      return "failed";
  }
  throw Bug("step status");
}

class Runner {
 public:
  Runner(const Invocation& invocation, const Recipe& recipe)
      : invocation_(invocation),
        recipe_(recipe),
        lock_(recipe.output_dir, invocation.progress),
        state_(recipe.output_dir, invocation.progress),
        jobs_(static_cast<int>(invocation.options.integer("jobs"))),
        extra_(flags_for_steps(invocation.options)),
        hashes_(recipe.steps.size()) {
    // Steps side by side share the processors between them.
    if (jobs_ > 1 && !extra_.contains("threads")) {
      extra_["threads"] = std::max(1, invocation.threads / jobs_);
    }
  }

  ExitCode run() {
    const StepActions actions{
        .start = [this](size_t step) { return start(step); },
        .finish = [this](size_t step) { state_.record(recipe_.steps[step], hashes_[step]); }};
    const std::vector<StepResult> results = run_steps(recipe_, jobs_, actions);
    if (invocation_.flag("json")) std::printf("%s\n", to_text(result_json(results), 2).c_str());
    const auto failed = std::ranges::find(results, StepStatus::kFailed, &StepResult::status);
    if (failed == results.end()) return ExitCode::kOk;
    invocation_.progress.warn(failure_text(results));
    return static_cast<ExitCode>(failed->code);
  }

 private:
  pid_t start(size_t number) {
    const RecipeStep& step = recipe_.steps[number];
    hashes_[number] = state_.hash_of(step);
    const std::vector<std::string> arguments = arguments_of(step, extra_);
    const bool current = !invocation_.flag("force") && state_.up_to_date(step, hashes_[number]);
    invocation_.progress.log(position(number, recipe_) + (current ? " is up to date: " : ": ") +
                             shell_line(arguments));
    if (current) return -1;
    return start_child(arguments,
                       {.stdout_to_stderr = invocation_.flag("json"), .plain = jobs_ > 1});
  }

  std::string names_with(const std::vector<StepResult>& results,
                         std::initializer_list<StepStatus> wanted) const {
    std::string out;
    for (size_t i = 0; i < results.size(); ++i) {
      if (std::ranges::find(wanted, results[i].status) == wanted.end()) continue;
      out += (out.empty() ? "" : ", ") + recipe_.steps[i].name;
    }
    return out.empty() ? "none" : out;
  }

  std::string failure_text(const std::vector<StepResult>& results) const {
    std::string out;
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].status != StepStatus::kFailed) continue;
      out += (out.empty() ? "step " : ", step ") + recipe_.steps[i].name +
             " ended with exit code " + std::to_string(results[i].code);
    }
    return out + "; finished: " + names_with(results, {StepStatus::kDone, StepStatus::kUpToDate}) +
           "; not run: " + names_with(results, {StepStatus::kWaiting});
  }

  Json result_json(const std::vector<StepResult>& results) const {
    Json steps = Json::array();
    for (size_t i = 0; i < results.size(); ++i) {
      const RecipeStep& step = recipe_.steps[i];
      Json entry{{"name", step.name},
                 {"status", name_of(results[i].status)},
                 {"command", shell_line(arguments_of(step, extra_))},
                 {"outputs", step.outputs}};
      if (results[i].status == StepStatus::kFailed) entry["exit_code"] = results[i].code;
      steps.push_back(std::move(entry));
    }
    return {
        {"schema_version", kSchemaVersion}, {"output_dir", recipe_.output_dir}, {"steps", steps}};
  }

  const Invocation& invocation_;
  const Recipe& recipe_;
  FolderLock lock_;
  RecipeState state_;
  int jobs_;
  Json extra_;
  std::vector<std::string> hashes_;
};

ExitCode run(const Invocation& invocation) {
  const std::string& path = invocation.positionals.front();
  const Recipe recipe =
      recipe_from_json(read_recipe_json(path), path, variables_of(invocation.options),
                       invocation.text("output_dir"));
  check_sources(recipe);
  if (invocation.flag("dry_run")) {
    RecipeState state(recipe.output_dir, invocation.progress);
    print_plan(invocation, recipe, state);
    return ExitCode::kOk;
  }
  return Runner(invocation, recipe).run();
}

}  // namespace

Command make_run() {
  using pass::OptionType;
  OptionGroup general = general_group({"threads", "json", "dry_run", "quiet", "verbose"});
  general.options[2].help =
      "Print the plan as a shell script, with what each step will write and take, and stop";
  return {.name = "run",
          .summary =
              "Run the steps of a recipe, skipping those whose inputs, options and outputs are "
              "unchanged",
          .positional = {"RECIPE", "A JSON file; comments are allowed (docs/automation.md)", 1, 1},
          .groups = {{"Recipe",
                      {{.name = "set",
                        .type = OptionType::kTextList,
                        .help = "Set a variable of the recipe",
                        .metavar = "NAME=VALUE"},
                       {.name = "output_dir",
                        .help = "Folder for the outputs, instead of the recipe's own",
                        .metavar = "DIR"},
                       {.name = "force",
                        .type = OptionType::kFlag,
                        .help = "Run every step, also those that are up to date"},
                       {.name = "jobs",
                        .type = OptionType::kInteger,
                        .fallback = 1,
                        .help = "Steps at once, where none waits for another; they share the "
                                "threads, and a step that measures latency runs alone",
                        .min = 1,
                        .max = kMostForwardings,
                        .changes_result = false}}},
                     general},
          .examples = {"pare run examples/demo.json --set data=fashion-mnist/",
                       "pare run examples/demo.json --dry-run"},
          .run = run,
          .check = [](const pass::Options& options) { variables_of(options); }};
}

}  // namespace pare::cli
