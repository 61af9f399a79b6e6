// SPDX-License-Identifier: Apache-2.0
// The table of commands, in the order of `pare --help`. A new command is a file under commands/ and
// a row here.
#include "apps/pare/commands/commands.hpp"

#include <array>

namespace pare::cli {

namespace {

constexpr std::array<CommandRow, 18> kCommands{{
    {"train", "train an architecture or a model on labelled data", make_train},
    {"distill", "train a small model to imitate a larger one", make_distill},
    {"prune", "set weights to zero and store what is left", make_prune},
    {"quantize", "store and run a model in 8 or 4 bits", make_quantize},
    {"eval", "compare models: accuracy, size, latency, memory", make_eval},
    {"gate", "judge an evaluation's report by a budget, for CI", make_gate},
    {"diagnose", "show which layers cost the accuracy, why, and what repairs them", make_diagnose},
    {"predict", "write a model's predictions for a data set", make_predict},
    {"bench", "time models, whole or layer by layer", make_bench},
    {"convert", "write a model in another format, or add what it does not state", make_convert},
    {"inspect", "show what a model file holds and how it was made", make_inspect},
    {"run", "run the steps of a recipe, skipping those that are up to date", make_run},
    {"sweep", "run a recipe with every combination of some values, by make", make_sweep},
    {"verify", "check a model's hashes, show how it was made, make it again", make_verify},
    {"data", "describe a data set", make_data},
    {"doctor", "report what on this machine decides speed and results", make_doctor},
    {"completion", "print a completion script for bash, zsh or fish", make_completion},
    {"man", "print or write manual pages", make_man},
}};

}  // namespace

std::span<const CommandRow> all_commands() { return kCommands; }

const CommandRow& find_command(std::string_view name) {
  std::vector<std::string> names;
  for (const CommandRow& row : kCommands) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  if (name.starts_with('-')) {
    throw UsageError(name, "unknown flag; pare --help lists the commands");
  }
  const std::string hint = pass::nearest(name, names);
  throw UsageError(name, "unknown command; " + (hint.empty() ? std::string("pare --help lists them")
                                                             : "did you mean " + hint + "?"));
}

}  // namespace pare::cli
