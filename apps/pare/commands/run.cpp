// SPDX-License-Identifier: Apache-2.0
// pare run: the steps of a recipe, each in a process of its own, exactly as its printed command
// line.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

#include <sys/wait.h>
#include <unistd.h>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/recipe/recipe.hpp"
#include "apps/pare/recipe/state.hpp"
#include "apps/pare/sibling.hpp"
#include "apps/pare/signals.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

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
    for (const std::string& path : step.positionals) {
      if (!made.contains(path)) check_exists(path);
    }
    for (const pass::Option& option : schema_of(step.command)) {
      const Json stated = step.options.stated();
      if (!is_input_path(option) || !option.changes_result || !stated.contains(option.name))
        continue;
      const Json& value = stated[option.name];
      for (const Json& path : value.is_array() ? value : Json::array({value})) {
        const auto text = path.get<std::string>();
        if (!made.contains(text)) check_data_exists(text);
      }
    }
    made.insert(step.outputs.begin(), step.outputs.end());
  }
}

// Runs this executable with `arguments`; its exit code, 128 + N when signal N ended it.
int run_child(const std::vector<std::string>& arguments, bool stdout_to_stderr) {
  const std::string program = own_path();
  std::vector<std::string> words{"pare"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0)
    throw Error("pare run", std::string("cannot start a step: ") + std::strerror(errno));
  if (child == 0) {
    if (stdout_to_stderr) ::dup2(STDERR_FILENO, STDOUT_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(static_cast<int>(ExitCode::kBug));
  }
  const SignalForwarding forwarding(child);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR)
      throw Error("pare run", std::string("lost a step: ") + std::strerror(errno));
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void create_folder(const std::string& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) throw Error(path, "cannot be created: " + failure.message());
}

// Prints what would run, as shell commands; steps that are up to date as comments.
void print_commands(const Recipe& recipe, const Json& extra, RecipeState& state, bool force) {
  std::set<std::string> stale;
  for (const RecipeStep& step : recipe.steps) {
    bool runs = force;
    for (const std::string& path : step.positionals) runs = runs || stale.contains(path);
    const Json stated = step.options.stated();
    for (const auto& [name, value] : stated.items()) {
      for (const Json& item : value.is_array() ? value : Json::array({value})) {
        runs = runs || (item.is_string() && stale.contains(item.get<std::string>()));
      }
    }
    runs = runs || !state.up_to_date(step, state.hash_of(step));
    if (runs) stale.insert(step.outputs.begin(), step.outputs.end());
    const std::string line = shell_line(arguments_of(step, extra));
    std::printf("%s%s\n", runs ? "" : "# up to date: ", line.c_str());
  }
}

class Runner {
 public:
  Runner(const Invocation& invocation, const Recipe& recipe, RecipeState& state)
      : invocation_(invocation),
        recipe_(recipe),
        state_(state),
        extra_(flags_for_steps(invocation.options)) {}

  ExitCode run() {
    for (size_t i = 0; i < recipe_.steps.size(); ++i) {
      const int code = run_step(recipe_.steps[i], i + 1);
      if (code != 0) return static_cast<ExitCode>(code);
    }
    if (invocation_.flag("json")) {
      std::printf("%s\n", to_text(Json{{"schema_version", kSchemaVersion},
                                       {"output_dir", recipe_.output_dir},
                                       {"steps", results_}},
                                  2)
                              .c_str());
    }
    return ExitCode::kOk;
  }

 private:
  int run_step(const RecipeStep& step, size_t number) {
    const std::string hash = state_.hash_of(step);
    const std::vector<std::string> arguments = arguments_of(step, extra_);
    const std::string line = shell_line(arguments);
    const bool skipped = !invocation_.flag("force") && state_.up_to_date(step, hash);
    invocation_.progress.log("[" + std::to_string(number) + "/" +
                             std::to_string(recipe_.steps.size()) + "] " + step.name +
                             (skipped ? " is up to date: " : ": ") + line);
    if (!skipped) {
      const int code = run_child(arguments, invocation_.flag("json"));
      if (code != 0) return code;
      state_.record(step, hash);
    }
    results_.push_back(Json{{"name", step.name},
                            {"status", skipped ? "up to date" : "done"},
                            {"command", line},
                            {"outputs", step.outputs}});
    return 0;
  }

  const Invocation& invocation_;
  const Recipe& recipe_;
  RecipeState& state_;
  Json extra_;
  Json results_ = Json::array();
};

ExitCode run(const Invocation& invocation) {
  const Recipe recipe =
      read_recipe(invocation.positionals.front(), variables_of(invocation.options),
                  invocation.text("output_dir"));
  check_sources(recipe);
  RecipeState state(recipe.output_dir, invocation.progress);
  if (invocation.flag("dry_run")) {
    print_commands(recipe, flags_for_steps(invocation.options), state, invocation.flag("force"));
    return ExitCode::kOk;
  }
  create_folder(recipe.output_dir);
  return Runner(invocation, recipe, state).run();
}

}  // namespace

Command make_run() {
  using pass::OptionType;
  OptionGroup general = general_group({"threads", "json", "dry_run", "quiet", "verbose"});
  general.options[2].help = "Print the commands of the steps as a shell script and stop";
  return {.name = "run",
          .summary =
              "Run the steps of a recipe in order, skipping those whose inputs, options and "
              "outputs are unchanged",
          .positional = {"RECIPE", "A JSON file; comments are allowed (docs/cli.md)", 1, 1},
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
                        .help = "Run every step, also those that are up to date"}}},
                     general},
          .examples = {"pare run examples/demo.json --set data=fashion-mnist/",
                       "pare run examples/demo.json --dry-run"},
          .run = run,
          .check = [](const pass::Options& options) { variables_of(options); }};
}

}  // namespace pare::cli
