// SPDX-License-Identifier: Apache-2.0
// pare inspect
#include "formats/inspect.hpp"

#include <cstdio>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/memory_limit.hpp"
#include "apps/pare/option_groups.hpp"
#include "lib/ir/ops.hpp"

namespace pare::cli {

namespace {

ExitCode run(const Invocation& invocation) {
  const std::string& path = invocation.positionals.front();
  const ir::Model model = formats::read(path, read_options(invocation));
  check_memory(invocation, path, model);
  const Json found = formats::inspect(model, path);
  const std::string graph = invocation.flag("graph") ? ir::dump(model) : "";
  const std::string text =
      invocation.flag("json") ? to_text(found, 2) + "\n" : formats::inspection_text(found, graph);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kOk;
}

void check(const pass::Options& options) {
  if (options.flag("json") && options.flag("graph")) {
    throw UsageError("--graph", "has no effect with --json");
  }
}

}  // namespace

Command make_inspect() {
  return {.name = "inspect",
          .summary = "Show what a model file holds and how it was made, and check its contents",
          .positional = {"MODEL", "The file to look at", 1, 1},
          .groups = {{"Output",
                      {{.name = "graph",
                        .type = pass::OptionType::kFlag,
                        .help = "List the graph, one node a line, too"}}},
                     reading_group({"from", "bind", "input_shape"}),
                     general_group({"max_memory", "json"})},
          .examples = {"pare inspect student.int8.pare"},
          .run = run,
          .check = check};
}

}  // namespace pare::cli
