// SPDX-License-Identifier: Apache-2.0
// pare man
#include <cstdio>
#include <filesystem>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/man_page.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

void write_all(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw Error(folder.string(), "cannot be created: " + failure.message());
  write_text_file((folder / "pare.1").string(), man_page());
  for (const CommandRow& row : all_commands()) {
    write_text_file((folder / ("pare-" + std::string(row.name) + ".1")).string(),
                    man_page(row.make()));
  }
}

ExitCode run(const Invocation& invocation) {
  const bool one = !invocation.positionals.empty();
  if (invocation.options.given("output")) {
    if (one) throw UsageError("--output", "writes every page; a COMMAND goes to stdout");
    write_all(invocation.text("output"));
    return ExitCode::kOk;
  }
  const std::string text =
      one ? man_page(find_command(invocation.positionals.front()).make()) : man_page();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kOk;
}

}  // namespace

Command make_man() {
  return {.name = "man",
          .summary = "Print the manual page of a command, or write all of them",
          .positional = {"COMMAND", "The command to print; without one, pare(1)", 0, 1},
          .groups = {{"Output",
                      {{.name = "output",
                        .help = "Folder to write every page into, as pare-COMMAND.1",
                        .metavar = "DIR"}}}},
          .examples = {"pare man quantize | man -l -", "pare man -o man/man1"},
          .run = run};
}

}  // namespace pare::cli
