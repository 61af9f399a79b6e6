// SPDX-License-Identifier: Apache-2.0
// A command is data: its flags are a pass::Schema, from which parsing, --help, --print-config, the
// recipe format of `pare run` and the printed shell commands all follow.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "apps/pare/environment.hpp"
#include "lib/core/error.hpp"
#include "lib/core/progress.hpp"
#include "lib/pass/pass.hpp"

namespace pare::cli {

struct Positional {
  std::string metavar;  // "MODEL"
  std::string help;
  int min = 0;
  int max = 0;  // -1: any number
};

struct OptionGroup {
  std::string title;
  pass::Schema options;
};

struct Invocation;

struct Command {
  std::string name;
  std::string summary;  // one sentence
  Positional positional;
  std::vector<OptionGroup> groups;
  std::vector<std::string> examples;
  std::function<ExitCode(const Invocation&)> run;
  // What can be refused without opening a file, beyond the schema: throws UsageError.
  std::function<void(const pass::Options&)> check = [](const pass::Options&) {};
  std::vector<std::string> notes = {};  // sentences shown in --help after the flags
};

// Every flag of the command, in the order of its groups.
pass::Schema schema_of(const Command& command);
// Everything that can be refused without opening a file; throws UsageError.
void check_arguments(const Command& command, const pass::Options& options);
// The values in `all` whose names `schema` has, as that schema's own Options.
pass::Options narrowed(const pass::Options& all, const pass::Schema& schema);

// One command line, parsed and checked as far as that goes without opening files.
struct Invocation {
  const Command& command;
  std::vector<std::string> positionals;
  pass::Options options;
  const Environment& environment;
  Progress& progress;
  train::Trainer* trainer;           // null: this is not pare-train
  std::span<char* const> arguments;  // as typed, from the command's name on
  int threads;

  bool flag(std::string_view name) const { return options.flag(name); }
  std::string text(std::string_view name) const { return options.text(name); }
};

struct CommandRow {
  std::string_view name;
  std::string_view summary;
  Command (*make)();
};
// commands.cpp: the one table.
std::span<const CommandRow> all_commands();
// Throws UsageError with the nearest name when unknown.
const CommandRow& find_command(std::string_view name);

}  // namespace pare::cli
