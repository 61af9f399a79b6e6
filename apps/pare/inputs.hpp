// SPDX-License-Identifier: Apache-2.0
// Input files of a command, found and read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/pare/command.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/model.hpp"

namespace pare::cli {

struct LoadedModel {
  std::string path;
  int64_t bytes = 0;
  ir::Model model;
};
// Reads with the command's flags. Preprocessing flags go to the models that state none; throws
// Error(path, ...) when such flags are given and every model states its own.
std::vector<LoadedModel> load_models(const Invocation& invocation,
                                     const std::vector<std::string>& paths);
LoadedModel load_model(const Invocation& invocation, const std::string& path);

// Throws Error(path) when nothing is there: a cheap check before long work elsewhere.
void check_exists(const std::string& path);
// Refuses a path that cannot be a data set.
void check_data_exists(const std::string& path);

// The data set at `path`, read as the command's flags say; `split` is what a file without parts is.
// A model that was trained on a table brings the coding of its columns.
data::Splits open_data(const Invocation& invocation, const std::string& path,
                       const std::string& split, const ir::Model* model);
// One part, or Error(path) when the data set does not have it. `part`: train, validation or test.
std::shared_ptr<const data::Dataset> part_of(const data::Splits& splits, const std::string& part,
                                             const std::string& path);

// Throws UsageError when a flag that says how to read a data set is given without one.
void check_data_flags(const pass::Options& options, const std::string& data_flag);

}  // namespace pare::cli
