// SPDX-License-Identifier: Apache-2.0
// A recipe: steps of `pare run`, each one command with its options by name, read from JSON with
// comments (docs/automation.md) and checked as a whole before anything runs. Every error names the
// recipe and the place in it as a JSON pointer: "demo.json: /steps/2/options/bits: must be ...".
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/pare/command.hpp"

namespace pare::cli {

struct RecipeStep {
  std::string name;
  Command command;
  std::vector<std::string> positionals;
  pass::Options options;
  std::vector<std::string> outputs;  // files it writes
};

struct Recipe {
  std::string path;
  std::string output_dir;
  std::vector<RecipeStep> steps;
};

// The file as JSON, nothing but its syntax checked.
Json read_recipe_json(const std::string& path);
// `variables` replace the recipe's own of the same name; `output_dir` likewise when not empty.
// `path` is what errors name.
Recipe recipe_from_json(const Json& json, const std::string& path,
                        const std::map<std::string, Json>& variables,
                        const std::string& output_dir);

// The step as arguments of pare, without the program's name; `extra` are flags for every step that
// knows them and does not state them itself.
std::vector<std::string> arguments_of(const RecipeStep& step, const Json& extra);
// The same as a line for a shell, quoted where needed.
std::string shell_word(const std::string& word);
std::string shell_line(const std::vector<std::string>& arguments);

// Commands that a recipe's step may name.
std::span<const std::string_view> step_commands();

}  // namespace pare::cli
