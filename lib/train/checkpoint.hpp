// SPDX-License-Identifier: Apache-2.0
// What a killed run needs to end with the uninterrupted run's bytes. File layout, little endian:
//   "PARECKP1"  u64 n  n bytes of JSON  float arrays in the order and sizes the JSON lists
//   32 bytes SHA-256 of everything before
// The JSON holds {identity, threads, epoch, step, ..., curve, arrays: [sizes]}. Written atomically.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/train/trainer.hpp"

namespace pare::train {

struct RunState {
  int64_t epoch = 0;    // epochs finished
  int64_t step = 0;     // steps taken within the current epoch
  double loss_sum = 0;  // over the current epoch's items so far
  double best_accuracy = -1;
  int64_t best_epoch = 0;
  int64_t stale_epochs = 0;  // since the best
  Json curve = Json::array();
  std::vector<float> weights = {}, statistics = {};
  std::vector<float> best_weights = {}, best_statistics = {};
  std::vector<std::vector<float>> optimizer = {};
};

// Everything a run's result depends on, apart from the thread count: plan.identity, the training
// and distillation options, hashes of initial model and data. Reads the data once for its
// fingerprint.
Json run_identity(const TrainPlan& plan);

void write_checkpoint(const std::string& path, const Json& identity, int threads,
                      const RunState& state);
// Nothing when there is no such file. Throws Error(path): damaged, or of another run (naming the
// first thing that differs). Warns through `progress` when it was written with another thread
// count.
std::optional<RunState> read_checkpoint(const std::string& path, const Json& identity, int threads,
                                        Progress& progress);

}  // namespace pare::train
