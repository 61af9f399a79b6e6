// SPDX-License-Identifier: Apache-2.0
// One training run: the loop over epochs and batches, validation, choice of the best epoch,
// progress and checkpoints.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "lib/train/checkpoint.hpp"
#include "lib/train/optimizer.hpp"
#include "lib/train/torch_distiller.hpp"
#include "lib/train/torch_graph.hpp"

namespace pare::train {

class TorchRun {
 public:
  explicit TorchRun(const TrainPlan& plan);
  TrainResult run();

 private:
  using Clock = std::chrono::steady_clock;

  void resume();
  void train_epoch();
  // Mean loss of the batch; gradients are left in weights_.gradients().
  double backward(const Batch& batch);
  void optimizer_step();
  void apply_hook(int64_t step);
  void finish_epoch();
  void checkpoint(bool in_epoch);
  void report(int64_t done_in_epoch, int64_t seen);
  void copy_to(std::vector<float>& weights, std::vector<float>& statistics);
  void copy_from(std::span<const float> weights, std::span<const float> statistics);
  bool keeps_last() const { return plan_.weight_hook || !plan_.validation; }
  bool done() const;
  TrainResult result();

  const TrainPlan& plan_;
  const TrainOptions& options_;
  ir::Model model_;
  FlatTensors weights_;
  TorchGraph graph_;
  std::vector<BatchLoader::View> views_;
  std::unique_ptr<TorchDistiller> distiller_;
  std::unique_ptr<FlatOptimizer> optimizer_;
  int64_t steps_per_epoch_;
  Json identity_;
  RunState state_;
  double loaded_wait_ = 0;
  double train_seconds_ = 0;
  int64_t trained_items_ = 0;
  Clock::time_point last_checkpoint_ = Clock::now();
};

// Argmax of the logits of every item, in item order. `batch` items are run at once.
std::vector<int64_t> predict(TorchGraph& graph, const data::Dataset& dataset);
// Share of items whose prediction is their label.
double accuracy_of(std::span<const int64_t> predictions, const data::Dataset& dataset);

}  // namespace pare::train
