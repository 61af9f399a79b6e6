// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/option_groups.hpp"

#include <algorithm>

#include "apps/pare/memory_limit.hpp"

namespace pare::cli {

using pass::Option;
using pass::OptionType;

namespace {

const pass::Schema& general_options() {
  static const pass::Schema kAll{
      {.name = "threads",
       .type = OptionType::kInteger,
       .help = "Threads to use (default: CPUs this process may use; 1 under make -j)",
       .min = 1,
       .max = 1024,
       .changes_result = false},
      max_memory_option(),
      {.name = "seed",
       .type = OptionType::kInteger,
       .fallback = 0,
       .help = "Seed of every random choice; the same seed gives the same bytes",
       .min = 0},
      {.name = "json",
       .type = OptionType::kFlag,
       .help = "Print the result as JSON",
       .changes_result = false},
      {.name = "dry_run",
       .type = OptionType::kFlag,
       .help = "Check arguments and inputs, say what would be done, write nothing",
       .changes_result = false},
      {.name = "print_config",
       .type = OptionType::kFlag,
       .help = "Print the resolved options as JSON and stop",
       .changes_result = false},
      {.name = "quiet",
       .type = OptionType::kFlag,
       .help = "No progress and no warnings on stderr, only errors",
       .changes_result = false},
      {.name = "verbose",
       .type = OptionType::kFlag,
       .help = "More progress on stderr",
       .changes_result = false},
  };
  return kAll;
}

}  // namespace

pass::Schema data_reading_options() {
  return {{.name = "test_data",
           .help = "The file with the test part, when it is not found beside the data set",
           .metavar = "PATH"},
          {.name = "label_column",
           .help = "CSV: name of the column with the label (default: the last)",
           .metavar = "NAME"},
          {.name = "task",
           .type = OptionType::kChoice,
           .help = "What labels are, when arrays of fractions as numbers and all else as classes "
                   "is wrong",
           .choices = {"classification", "regression"}},
          {.name = "limit",
           .type = OptionType::kInteger,
           .help = "Take only N items of each part, for quick trials",
           .min = 1,
           .metavar = "N"}};
}

OptionGroup data_group(const std::string& use) {
  OptionGroup group{"Data",
                    {{.name = "data",
                      .help = "The data set " + use +
                              ": a folder, an IDX, CSV, NPZ or HDF5 file, or synthetic:glyphs",
                      .metavar = "PATH"}}};
  for (Option& option : data_reading_options()) group.options.push_back(std::move(option));
  return group;
}

Option split_option(const std::string& help) {
  return {.name = "split",
          .type = OptionType::kChoice,
          .fallback = "test",
          .help = help,
          .choices = {"train", "validation", "test"},
          .metavar = "PART"};
}

OptionGroup general_group(std::initializer_list<std::string_view> names) {
  OptionGroup group{"General", {}};
  for (const std::string_view name : names) group.options.push_back(shared_option(name));
  return group;
}

OptionGroup automation_group() {
  return {"Make",
          {{.name = "depfile",
            .help = "Write the files that the output depends on, as a make rule",
            .changes_result = false,
            .metavar = "RULES"},
           {.name = "if_changed",
            .type = OptionType::kFlag,
            .help = "Do nothing when the output is what these options, these inputs and this "
                    "version wrote",
            .changes_result = false}}};
}

Option shared_option(std::string_view name) {
  const Option* option = pass::find(general_options(), name);
  require(option != nullptr, "shared option exists");
  return *option;
}

Option output_option(const std::string& help, bool required) {
  return {.name = "output",
          .help = help + (required ? " (required)" : ""),
          .changes_result = false,
          .metavar = "OUT"};
}

void require_output(const pass::Options& options, const std::string& command) {
  if (!options.given("output")) throw UsageError("--output", "is required by pare " + command);
}

}  // namespace pare::cli
