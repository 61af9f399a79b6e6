// SPDX-License-Identifier: Apache-2.0
// A pass maps a Model to a Model. Each is one .cpp with one row in its folder's passes.cpp; the row
// declares what the pass needs, and the runner acts on it: it refuses missing data, verifies the
// result and names the pass that broke it, and appends the history entry.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/model.hpp"
#include "lib/pass/options.hpp"

namespace pare::train {
class Trainer;
}

namespace pare::pass {

// A model that a pass takes beside its input (a teacher).
struct NamedModel {
  std::string path;
  std::string sha256;
  ir::Model model;
};

// What a pass may use. Everything here except `threads` and `progress` is an input to the result.
struct Context {
  std::shared_ptr<const data::Dataset> train;
  std::shared_ptr<const data::Dataset> validation;
  std::shared_ptr<const data::Dataset> calibration;
  // For reporting only (control runs of distill): nothing may be chosen by it. May be null.
  std::shared_ptr<const data::Dataset> test;
  std::vector<NamedModel> teachers;
  train::Trainer* trainer = nullptr;   // null in executables without libtorch
  Json input_hashes = Json::object();  // name -> sha256, recorded in history
  uint64_t seed = 0;
  int threads = 1;
  std::string checkpoint;  // "" : do not keep one
  bool resume = true;
  Progress* progress = &no_progress();
};

struct PassInfo {
  std::string name;     // also the command: "quantize"
  std::string summary;  // one sentence
  Schema options;
  // Decided from options, so that `prune --epochs 5` trains and `prune` alone does not.
  std::function<bool(const Options&)> trains = [](const Options&) { return false; };
  std::function<bool(const Options&)> needs_calibration = [](const Options&) { return false; };
  // Cross-option checks that need no file: throws UsageError.
  std::function<void(const Options&)> validate = [](const Options&) {};
  std::function<ir::Model(const ir::Model&, const Options&, Context&)> run;
};

// Runs one pass: validate, run, verify, append history. Errors of verify name the pass.
ir::Model run(const PassInfo& pass, const ir::Model& model, const Options& options,
              Context& context);

// "prune{sparsity=0.5},quantize{bits=4 group_size=64}": parse and print are inverse.
struct PipelineStep {
  std::string pass;
  Json options = Json::object();
  bool operator==(const PipelineStep&) const = default;
};
using Pipeline = std::vector<PipelineStep>;
// Throws UsageError with the column of the first thing wrong.
Pipeline parse_pipeline(std::string_view text);
std::string to_text(const Pipeline& pipeline);

}  // namespace pare::pass
