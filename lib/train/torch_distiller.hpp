// SPDX-License-Identifier: Apache-2.0
// The loss of a distillation run: runs the teachers, holds the projections that intermediate
// matching learns, and reads or fills the cache of teacher logits.
#pragma once

#include <memory>
#include <vector>

#include "lib/train/batches.hpp"
#include "lib/train/logits_cache.hpp"
#include "lib/train/torch_graph.hpp"
#include "lib/train/trainer.hpp"

namespace pare::train {

// [batch, item...] of one view of a batch. Images come back channels-last.
at::Tensor input_tensor(const Batch& batch, size_t view, const ir::Dims& item);

class TorchDistiller {
 public:
  // Adds projections to `weights` (before it is sealed) and teachers' views to `views` (whose first
  // is the student's). Throws Error when label spaces or matched values do not fit.
  TorchDistiller(const TrainPlan& plan, const TorchGraph& student, FlatTensors& weights,
                 std::vector<BatchLoader::View>& views);

  // Student values that loss() wants, in order.
  std::span<const ir::ValueId> watched() const { return student_values_; }

  // Before an epoch's first batch: makes sure that the cache, if there is one, holds this draw.
  void begin_epoch(int64_t draw);

  // alpha T^2 KL(teachers || student) + (1 - alpha) `cross_entropy` + matched intermediates.
  at::Tensor loss(const Batch& batch, const at::Tensor& logits, const at::Tensor& cross_entropy,
                  std::span<const at::Tensor> student_values);

 private:
  struct Teacher {
    std::unique_ptr<FlatTensors> weights;
    std::unique_ptr<TorchGraph> graph;
    size_t view = 0;
  };
  struct Matched {
    Match match;
    ir::ValueId teacher_value;
    size_t projection = SIZE_MAX;  // index into the student's FlatTensors
  };
  void add_teacher(const ir::Model& model, const TorchGraph& student,
                   std::vector<BatchLoader::View>& views);
  void add_match(const Match& match, const TorchGraph& student);
  void open_cache(const TrainPlan& plan);
  void fill_cache(int64_t draw);
  at::Tensor teacher_logits(const Batch& batch);
  at::Tensor run_teachers(const Batch& batch);
  at::Tensor match_loss(const Matched& matched, const at::Tensor& teacher,
                        const at::Tensor& student) const;

  const TrainPlan& plan_;
  const Distillation& options_;
  FlatTensors& weights_;
  int64_t classes_ = 0;
  std::vector<BatchLoader::View> views_;
  std::vector<Teacher> teachers_;
  std::vector<Matched> matches_;
  std::vector<ir::ValueId> student_values_;
  std::vector<at::Tensor> teacher_values_;  // of the last batch, one a match
  std::unique_ptr<LogitsCache> cache_;
  std::span<const float> cached_;  // this draw's logits, [items, teachers * classes], or empty
};

}  // namespace pare::train
