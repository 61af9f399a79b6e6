// SPDX-License-Identifier: Apache-2.0
// Gradual pruning with recovery training. The sparsity of each pool follows the cubic schedule of
// Zhu and Gupta 2017 ("To prune, or not to prune", equation 1) from its present value to the target
// over the first 70 % of the steps; then the masks stay and the remaining weights recover. The 2:4
// pattern is taken once, before the first step.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "lib/train/trainer.hpp"
#include "prune/targets.hpp"

namespace pare::prune {

// s_final * (1 - (1 - step / end)^3) for step < end, else s_final.
double cubic_sparsity(double final_sparsity, int64_t step, int64_t end_step);

// The masks of a training run. A weight that is zero stays zero, so the masks can be read off the
// weights: a run that resumes at step t continues as the uninterrupted one.
class MaskSchedule {
 public:
  MaskSchedule(const ir::Model& model, Targets targets, int threads);
  // Called before the first and after every optimizer step with the float parameters by name.
  void operator()(int64_t step, int64_t total_steps,
                  std::map<std::string, std::span<float>>& weights);

 private:
  void prune_at(int64_t step, int64_t end_step, std::map<std::string, std::span<float>>& weights);
  void prune_pattern(std::map<std::string, std::span<float>>& weights);

  Targets targets_;
  int threads_;
  std::map<std::string, int64_t> rows_;  // of each pruned weight
  std::map<std::string, std::vector<uint8_t>> kept_;
};

// Trains `model` under the schedule. The result's weights have at least the targets' zeros;
// pruned() then stores them.
ir::Model train_with_masks(const ir::Model& model, const Targets& targets,
                           const pass::Options& options, pass::Context& context);

}  // namespace pare::prune
