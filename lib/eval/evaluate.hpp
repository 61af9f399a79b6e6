// SPDX-License-Identifier: Apache-2.0
// Evaluates models against the first of them on one data set: accuracy through the runtime that
// deploys them, size of the files as written, latency interleaved, memory in a child process each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/data/dataset.hpp"
#include "lib/eval/energy.hpp"
#include "lib/eval/latency.hpp"
#include "lib/eval/predictions.hpp"
#include "lib/eval/report.hpp"
#include "lib/ir/model.hpp"

namespace pare::eval {

// Either a model or predictions. The caller reads the files.
struct Candidate {
  std::string name;  // shown; made unique by the caller
  std::string path;  // "" when there is no file: memory is then not measured
  int64_t file_bytes = 0;
  std::optional<ir::Model> model;
  std::optional<Predictions> predictions;
};

struct EvalOptions {
  int threads = 1;
  int64_t batch = 64;  // items at once while measuring accuracy
  uint64_t seed = 0;   // of resampling and of the latency order
  bool measure_latency = true;
  // Latency is measured at each number of threads with each number of items a run.
  std::vector<int> latency_threads = {1};
  std::vector<int64_t> latency_batches = {1};
  LatencyOptions latency;  // its seed and threads are overwritten
  std::optional<double> price_per_hour;
  std::string powercap = kPowercap;  // where RAPL's counters are
  bool measure_memory = true;
  std::vector<SliceColumn> slices;  // over the items of the data set
  std::string infer_executable;     // "" : find_infer_executable()
};

// Throws Error(candidate path or name, ...) when there are no items, a candidate's classes differ
// from the data set's, or its logits are not finite. Warns through `progress` and in the report
// when a model states no preprocessing.
Report evaluate(std::vector<Candidate> candidates, const data::Dataset& test,
                const EvalOptions& options, Progress& progress = no_progress());

}  // namespace pare::eval
