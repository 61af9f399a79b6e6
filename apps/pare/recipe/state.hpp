// SPDX-License-Identifier: Apache-2.0
// What `pare run` remembers beside its outputs, in .pare-run.json: for each step its identity
// (identity.hpp) and the SHA-256 of what it wrote. A step whose identity and outputs are unchanged
// is up to date. One `pare run` at a time works in a folder; .pare-run.lock sees to that.
#pragma once

#include <string>

#include "apps/pare/recipe/identity.hpp"
#include "apps/pare/recipe/recipe.hpp"

namespace pare::cli {

// Held while it lives, and by nobody once the process is gone, however it went.
class FolderLock {
 public:
  // Creates the folder; waits while another process holds its lock. Throws Error(folder).
  FolderLock(const std::string& folder, Progress& progress);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

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
  std::string local(const std::string& path) const;

  std::string folder_;
  std::string path_;
  Json steps_ = Json::object();
  ContentHashes contents_;
};

}  // namespace pare::cli
