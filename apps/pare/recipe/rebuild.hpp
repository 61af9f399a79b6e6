// SPDX-License-Identifier: Apache-2.0
// A model made again from what its history says: the same command lines, in order, on files found
// by their hashes.
#pragma once

#include <string>
#include <vector>

#include "apps/pare/command.hpp"
#include "lib/ir/model.hpp"

namespace pare::cli {

struct RebuildRequest {
  std::string path;
  std::vector<std::string> data;    // data sets that may be the ones meant
  std::vector<std::string> search;  // files, and folders to look for files in; the model's own too
  int threads = 1;                  // where the result does not depend on it
};

// Each command line as it would be typed, file names standing for what was found.
struct Rebuilt {
  std::vector<std::string> commands;
  int code = 0;  // of the command that failed; it has said why
};

// Throws Error(path, ...): an input is not there (its hash), a step or the end gives other bytes.
Rebuilt rebuild(const RebuildRequest& request, const ir::Model& model, Progress& progress);

}  // namespace pare::cli
