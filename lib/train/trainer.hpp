// SPDX-License-Identifier: Apache-2.0
// The torch-free face of training. Passes (train, distill, prune with recovery) fill a TrainPlan
// and call Context::trainer; the implementation (torch_trainer.cpp) is linked only into pare-train.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/data/batch.hpp"
#include "lib/ir/model.hpp"
#include "lib/pass/options.hpp"

namespace pare::train {

enum class Optimizer : uint8_t { kSgd, kAdam, kAdamW };
enum class LearningRateSchedule : uint8_t { kConstant, kCosine, kStep, kOneCycle };

struct TrainOptions {
  int64_t epochs = 10;
  int64_t batch_size = 128;
  Optimizer optimizer = Optimizer::kSgd;
  double learning_rate = 0.1;
  double momentum = 0.9;  // Nesterov for SGD
  double weight_decay = 5e-4;
  LearningRateSchedule schedule = LearningRateSchedule::kOneCycle;
  int64_t step_epochs = 10;  // kStep: divide by 10 each
  double label_smoothing = 0.0;
  int64_t patience = 0;  // > 0: stop after so many epochs without a better validation accuracy
  // Its seed stays fixed: variant d of an item is the same in every run, so that teachers' cached
  // logits serve runs of any seed. The run's seed moves initial weights and order.
  data::Augmentation augmentation = {};
  int64_t draws = 0;  // > 0: variants of an item, used in turn; 0: a new one each epoch
  uint64_t seed = 0;
  int threads = 1;
};

// The option rows shared by every pass that trains, and their reading.
pass::Schema training_options();
TrainOptions train_options_from(const pass::Options& options, uint64_t seed, int threads);
// Throws UsageError for a training option without effect in this combination.
void check_training_options(const pass::Options& options);

enum class MatchLoss : uint8_t { kMse, kCosine };
struct Match {
  std::string teacher_value;
  std::string student_value;
  MatchLoss loss = MatchLoss::kMse;
  double weight = 1.0;
};
// "TEACHER_VALUE:STUDENT_VALUE=mse*0.5"; throws UsageError.
Match parse_match(std::string_view text);

// loss = alpha * T^2 * KL(teacher || student) + (1 - alpha) * CE, at temperature T (Hinton, Vinyals
// and Dean 2015, section 2), teachers' softened probabilities averaged, plus the matched
// intermediates.
struct Distillation {
  std::vector<const ir::Model*> teachers = {};
  std::vector<std::string> teacher_hashes = {};
  double temperature = 4.0;
  double alpha = 0.7;
  std::vector<Match> matches = {};
  std::string logits_cache = {};  // HDF5 path, "" : none
};

// Called before the first and after every optimizer step with the float parameters by name, to be
// changed in place (pruning masks). Must be a function of (step, weights) alone, so that a resumed
// run equals the uninterrupted one.
using WeightHook = std::function<void(int64_t step, int64_t total_steps,
                                      std::map<std::string, std::span<float>>&)>;

struct TrainPlan {
  ir::Model initial;
  bool initialise =
      false;  // draw fresh weights first (Kaiming, by options.seed and parameter name)
  TrainOptions options;
  std::shared_ptr<const data::Dataset> train;
  std::shared_ptr<const data::Dataset> validation;
  std::optional<Distillation> distillation;
  WeightHook weight_hook;  // may be empty
  std::string checkpoint;  // "" : none
  bool resume = true;
  // Everything that identifies this run (options, input hashes): a checkpoint of another run is
  // refused.
  Json identity;
  Progress* progress = &no_progress();
};

struct TrainResult {
  ir::Model model;  // weights of the best epoch on validation, or the last with a weight hook
  double validation_accuracy = 0;
  int64_t best_epoch = 0;  // counted from 1
  int64_t epochs_run = 0;
  Json curve;  // one object an epoch: {epoch, loss, validation_accuracy}
  // Of this process alone, and therefore never written into a file.
  double samples_per_second = 0;
  double data_wait_fraction = 0;  // of the training time, spent waiting for the loader
};

// `model` stating the data's preprocessing and labels where it states none.
ir::Model ready_for_data(ir::Model model, const data::DatasetInfo& info);
// "validation accuracy 93.42 % (epoch 13 of 14)"
std::string summary_of(const TrainResult& result);

class Trainer {
 public:
  virtual ~Trainer() = default;
  // Throws Error on an op without a differentiable row, and when the loss stops being finite.
  virtual TrainResult fit(const TrainPlan& plan) = 0;
  // Accuracy of a float model on a data set (control runs).
  virtual std::vector<int64_t> predict(const ir::Model& model, const data::Dataset& dataset,
                                       int threads) = 0;
};

}  // namespace pare::train
