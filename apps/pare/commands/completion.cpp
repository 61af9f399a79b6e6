// SPDX-License-Identifier: Apache-2.0
// pare completion
#include "apps/pare/completion.hpp"

#include <cstdio>

#include "apps/pare/commands/commands.hpp"

namespace pare::cli {

namespace {

ExitCode run(const Invocation& invocation) {
  const std::string text = completion_script(invocation.positionals.front());
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kOk;
}

}  // namespace

Command make_completion() {
  return {.name = "completion",
          .summary = "Print a script that completes pare's commands and flags in a shell",
          .positional = {"SHELL", "bash, zsh or fish", 1, 1},
          .groups = {},
          .examples = {"source <(pare completion bash)",
                       "pare completion fish > ~/.config/fish/completions/pare.fish"},
          .run = run};
}

}  // namespace pare::cli
