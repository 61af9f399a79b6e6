// SPDX-License-Identifier: Apache-2.0
// pare data
#include <cstdio>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "lib/data/describe.hpp"

namespace pare::cli {

namespace {

ExitCode run(const Invocation& invocation) {
  const std::string& path = invocation.positionals.front();
  const data::Splits splits = open_data(invocation, path, invocation.text("split"), nullptr);
  const Json found = data::describe(splits);
  const std::string text =
      invocation.flag("json") ? to_text(found, 2) + "\n" : data::render_description(found);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kOk;
}

}  // namespace

Command make_data() {
  pass::Option split = split_option("What a file without parts is");
  split.fallback = "train";
  split.choices = {"train", "test"};
  OptionGroup reading{"Reading", data_reading_options()};
  reading.options.push_back(split);
  return {
      .name = "data",
      .summary =
          "Describe a data set: parts, classes, ranges, duplicates, overlap of test and "
          "training items",
      .positional = {"PATH", "A folder, an IDX, CSV, NPZ or HDF5 file, or synthetic:glyphs", 1, 1},
      .groups = {reading, general_group({"threads", "json", "quiet"})},
      .examples = {"pare data fashion-mnist/"},
      .run = run};
}

}  // namespace pare::cli
