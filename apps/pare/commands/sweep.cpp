// SPDX-License-Identifier: Apache-2.0
// pare sweep: a folder with a recipe for every combination of values, and the Makefile that runs
// them.
#include "apps/pare/recipe/sweep.hpp"

#include <cstdio>
#include <filesystem>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/sibling.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

std::vector<SweepAxis> axes_of(const pass::Options& options) {
  std::vector<SweepAxis> axes;
  for (const std::string& text : options.list("set")) {
    SweepAxis axis = parse_axis(text);
    for (const SweepAxis& other : axes) {
      if (other.name == axis.name) {
        throw UsageError("--set",
                         axis.name + " is given more than once; separate values by commas");
      }
    }
    axes.push_back(std::move(axis));
  }
  return axes;
}

void check(const pass::Options& options) {
  require_output(options, "sweep");
  if (axes_of(options).empty()) throw UsageError("--set", "is needed: what should be varied?");
}

void create_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw Error(folder.string(), "cannot be created: " + failure.message());
}

// A file that already holds the text keeps its date: make then has nothing to do again.
void write_if_changed(const fs::path& path, const std::string& text) {
  std::error_code failure;
  if (fs::is_regular_file(path, failure) && fs::file_size(path, failure) == text.size()) {
    const auto file = MappedFile::open(path.string());
    const auto bytes = file->bytes();
    if (std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == text) return;
  }
  write_text_file(path.string(), text);
}

void write_targets(const fs::path& folder, const std::vector<SweepTarget>& targets) {
  for (const SweepTarget& target : targets) {
    create_folder(folder / target.folder);
    write_if_changed(folder / target.folder / "recipe.json", to_text(target.recipe, 2) + "\n");
  }
}

ExitCode run(const Invocation& invocation) {
  const std::string& recipe = invocation.positionals.front();
  const std::string output = invocation.text("output");
  const SweepPlan plan = plan_sweep(read_recipe_json(recipe), recipe, axes_of(invocation.options));
  const std::string makefile = sweep_makefile(plan, shell_word(own_path()));
  if (invocation.flag("dry_run")) {
    std::fwrite(makefile.data(), 1, makefile.size(), stdout);
    return ExitCode::kOk;
  }
  write_targets(output, plan.shared);
  write_targets(output, plan.runs);
  write_targets(output, plan.reports);
  std::string list;
  for (const SweepTarget& run : plan.runs) list += run.folder + "/done\n";
  write_if_changed(fs::path(output) / "runs.txt", list);
  write_if_changed(fs::path(output) / "Makefile", makefile);
  std::printf("%s: %zu runs, %zu steps that they share\nmake -C %s -j2 && make -C %s report\n",
              escaped(output).c_str(), plan.runs.size(), plan.shared.size(),
              shell_word(output).c_str(), shell_word(output).c_str());
  return ExitCode::kOk;
}

}  // namespace

Command make_sweep() {
  OptionGroup general = general_group({"dry_run"});
  general.options[0].help = "Print the Makefile and write nothing";
  return {.name = "sweep",
          .summary =
              "Write a Makefile that runs a recipe with every combination of some values, "
              "doing what the runs have in common once",
          .positional = {"RECIPE", "The recipe to vary (docs/automation.md)", 1, 1},
          .groups = {{"Sweep",
                      {{.name = "set",
                        .type = pass::OptionType::kTextList,
                        .help = "Values of a variable, or of an option as STEP.OPTION or "
                                "COMMAND.OPTION; values that hold commas as a JSON list",
                        .metavar = "NAME=VALUE,..."},
                       {.name = "output",
                        .help = "Folder for the Makefile and everything it makes (required)",
                        .metavar = "DIR"}}},
                     general},
          .examples = {"pare sweep examples/demo.json --set student_epochs=4,8 \\\n"
                       "      --set sparse.sparsity=0.5,0.7,0.9 -o sweep",
                       "make -C sweep -j2 && make -C sweep report"},
          .run = run,
          .check = check};
}

}  // namespace pare::cli
