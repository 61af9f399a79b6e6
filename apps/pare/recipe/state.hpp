// SPDX-License-Identifier: Apache-2.0
// What `pare run` remembers beside its outputs, in .pare-run.json: for each step a hash of
// everything that decides its result (command, options, contents of inputs, tool version) and the
// SHA-256 of what it wrote. A step whose hash and outputs are unchanged is up to date.
#pragma once

#include <map>
#include <string>

#include "apps/pare/recipe/recipe.hpp"

namespace pare::cli {

class RecipeState {
 public:
  // Reads the file in `output_dir`; a missing or damaged one means that nothing is up to date.
  RecipeState(const std::string& output_dir, Progress& progress);

  // Hex. Throws Error when an input cannot be read.
  std::string hash_of(const RecipeStep& step);
  bool up_to_date(const RecipeStep& step, const std::string& hash);
  // Records what the step wrote and saves the file.
  void record(const RecipeStep& step, const std::string& hash);

 private:
  std::string content_hash(const std::string& path);

  std::string path_;
  Json steps_ = Json::object();
  std::map<std::string, std::string> contents_;  // path -> hash, of what this run has looked at
};

}  // namespace pare::cli
