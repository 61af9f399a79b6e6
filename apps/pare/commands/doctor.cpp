// SPDX-License-Identifier: Apache-2.0
// pare doctor
#include <algorithm>
#include <cstdio>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/machine.hpp"
#include "apps/pare/option_groups.hpp"

namespace pare::cli {

namespace {

constexpr int kSchemaVersion = 1;

ExitCode run(const Invocation& invocation) {
  const std::vector<Finding> findings = examine_machine(invocation.environment);
  if (invocation.flag("json")) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      list.push_back(
          Json{{"topic", finding.topic}, {"value", finding.value}, {"advice", finding.advice}});
    }
    std::printf("%s\n",
                to_text(Json{{"schema_version", kSchemaVersion}, {"findings", list}}, 2).c_str());
    return ExitCode::kOk;
  }
  size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.topic.size());
  const bool color = invocation.environment.color(invocation.environment.stdout_terminal);
  for (const Finding& finding : findings) {
    std::printf("%-*s  %s\n", static_cast<int>(width), finding.topic.c_str(),
                finding.value.c_str());
    if (finding.advice.empty()) continue;
    std::printf("%-*s  %s! %s%s\n", static_cast<int>(width), "", color ? "\033[33m" : "",
                finding.advice.c_str(), color ? "\033[0m" : "");
  }
  return ExitCode::kOk;
}

}  // namespace

Command make_doctor() {
  return {.name = "doctor",
          .summary =
              "Report what on this machine decides speed and results: instruction set, "
              "libtorch, BLAS, threads, memory, environment",
          .positional = {},
          .groups = {general_group({"json"})},
          .examples = {"pare doctor"},
          .run = run};
}

}  // namespace pare::cli
