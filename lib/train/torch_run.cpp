// SPDX-License-Identifier: Apache-2.0
#include "lib/train/torch_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <c10/core/GradMode.h>

#include "lib/core/error.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/train/schedule.hpp"

namespace pare::train {

namespace {

constexpr int64_t kEvalBatch = 256;
constexpr auto kCheckpointInterval = std::chrono::seconds(20);  // within an epoch
constexpr int64_t kReportSteps = 8;

ir::Model starting_model(const TrainPlan& plan) {
  require(plan.train != nullptr, "training has data");
  ir::Model model = plan.initial;
  for (const auto& value : model.main().values()) {
    if (value.quant)
      throw Error("model", "is quantized; train the float model and quantize the result");
  }
  if (plan.initialise) ir::initialise(model, plan.options.seed);
  return model;
}

void check_classes(const TorchGraph& graph, const data::DatasetInfo& data) {
  const auto classes = static_cast<int64_t>(data.classes.size());
  if (graph.classes() != classes) {
    const ir::Shape& output = graph.graph().value(graph.graph().outputs[0]).shape;
    throw Error(graph.subject(), "its output is " + ir::to_string(output) + ", the data has " +
                                     std::to_string(classes) + " classes");
  }
}

std::string epoch_note(double loss, double accuracy, bool validated) {
  char text[96];
  int n = std::snprintf(text, sizeof(text), "loss %.4f", loss);
  if (validated) {
    std::snprintf(text + n, sizeof(text) - static_cast<size_t>(n), "  val %.2f %%", 100 * accuracy);
  }
  return text;
}

std::string rate_note(double items, double seconds) {
  char text[48];
  std::snprintf(text, sizeof(text), "  %.0f samples/s", seconds > 0 ? items / seconds : 0.0);
  return text;
}

std::string wait_note(double waited, double seconds) {
  char text[48];
  std::snprintf(text, sizeof(text), ", %.1f %% of the time waiting for data",
                seconds > 0 ? 100 * waited / seconds : 0.0);
  return text;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::vector<int64_t> predict(TorchGraph& graph, const data::Dataset& dataset) {
  const c10::NoGradGuard no_grad;
  std::vector<int64_t> order(static_cast<size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::vector<int64_t> predictions;
  const int64_t floats = ir::element_count(graph.item_dims(), graph.subject());
  // Full batches first, then the rest as a batch of its own: a loader may drop a last lone item.
  for (const bool rest : {false, true}) {
    const size_t whole = order.size() / kEvalBatch * kEvalBatch;
    const std::vector<int64_t> items(
        order.begin() + static_cast<std::ptrdiff_t>(rest ? whole : 0),
        rest ? order.end() : order.begin() + static_cast<std::ptrdiff_t>(whole));
    if (items.empty()) continue;
    BatchLoader loader(dataset, {{graph.preprocessing(), floats}}, items, kEvalBatch, 0, nullptr,
                       0);
    for (size_t at = 0; at < items.size(); at += kEvalBatch) {
      const Batch& batch = loader.next();
      const at::Tensor best =
          at::argmax(graph.forward(input_tensor(batch, 0, graph.item_dims()), false), 1)
              .contiguous();
      predictions.insert(predictions.end(), best.data_ptr<int64_t>(),
                         best.data_ptr<int64_t>() + best.numel());
    }
  }
  return predictions;
}

double accuracy_of(std::span<const int64_t> predictions, const data::Dataset& dataset) {
  int64_t right = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    right += predictions[i] == dataset.label(static_cast<int64_t>(i)) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(std::max<size_t>(1, predictions.size()));
}

TorchRun::TorchRun(const TrainPlan& plan)
    : plan_(plan),
      options_(plan.options),
      model_(starting_model(plan)),
      graph_(model_, "model", weights_),
      steps_per_epoch_(train::steps_per_epoch(plan.train->size(), plan.options.batch_size)) {
  check_classes(graph_, plan.train->info());
  data::check_compatible(plan.train->info(), graph_.preprocessing(), graph_.item_dims(), "model");
  views_.push_back({graph_.preprocessing(), ir::element_count(graph_.item_dims(), "model")});
  if (plan.distillation) {
    distiller_ = std::make_unique<TorchDistiller>(plan, graph_, weights_, views_);
  }
  weights_.seal(true);
  optimizer_ = std::make_unique<FlatOptimizer>(options_, weights_.flat().size());
  resume();
}

void TorchRun::resume() {
  if (!plan_.checkpoint.empty()) identity_ = run_identity(plan_);
  if (plan_.resume && !plan_.checkpoint.empty()) {
    auto saved = read_checkpoint(plan_.checkpoint, identity_, options_.threads, *plan_.progress);
    if (saved) {
      const auto& arrays = optimizer_->state();
      const bool fits = saved->weights.size() == weights_.flat().size() &&
                        saved->statistics.size() == graph_.statistics().flat().size() &&
                        saved->optimizer.size() == arrays.size() && saved->step < steps_per_epoch_;
      if (!fits) throw Error(plan_.checkpoint, "does not fit this model; --no-resume starts over");
      state_ = std::move(*saved);
      copy_from(state_.weights, state_.statistics);
      optimizer_->state() = std::move(state_.optimizer);
      plan_.progress->log("resumed " + plan_.checkpoint + " after " + std::to_string(state_.epoch) +
                          " epochs and " + std::to_string(state_.step) + " steps");
      apply_hook(state_.epoch * steps_per_epoch_ + state_.step);
      return;
    }
  }
  apply_hook(0);
}

void TorchRun::copy_to(std::vector<float>& weights, std::vector<float>& statistics) {
  weights.assign(weights_.flat().begin(), weights_.flat().end());
  statistics.assign(graph_.statistics().flat().begin(), graph_.statistics().flat().end());
}

void TorchRun::copy_from(std::span<const float> weights, std::span<const float> statistics) {
  std::ranges::copy(weights, weights_.flat().begin());
  std::ranges::copy(statistics, graph_.statistics().flat().begin());
}

void TorchRun::apply_hook(int64_t step) {
  if (!plan_.weight_hook) return;
  auto named = weights_.by_name();
  plan_.weight_hook(step, steps_per_epoch_ * options_.epochs, named);
}

double TorchRun::backward(const Batch& batch) {
  const at::Tensor input = input_tensor(batch, 0, graph_.item_dims());
  const at::Tensor labels = at::tensor(at::ArrayRef<int64_t>(batch.labels));
  std::vector<at::Tensor> watched;
  const auto watch = distiller_ ? distiller_->watched() : std::span<const ir::ValueId>();
  const at::Tensor logits = graph_.forward(input, true, watch, &watched);
  at::Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100,
                                           options_.label_smoothing);
  if (distiller_) loss = distiller_->loss(batch, logits, loss, watched);
  std::ranges::fill(weights_.gradients(), 0.0F);
  loss.backward();
  return loss.item().toDouble();
}

void TorchRun::optimizer_step() {
  const int64_t step = state_.epoch * steps_per_epoch_ + state_.step;
  optimizer_->step(weights_.flat(), weights_.gradients(),
                   rates_at(options_, step, steps_per_epoch_), step);
  apply_hook(step + 1);
}

void TorchRun::report(int64_t done_in_epoch, int64_t seen) {
  if (done_in_epoch % kReportSteps != 0 && done_in_epoch != steps_per_epoch_) return;
  const std::string stage =
      "epoch " + std::to_string(state_.epoch + 1) + "/" + std::to_string(options_.epochs);
  std::string note = epoch_note(state_.loss_sum / static_cast<double>(std::max<int64_t>(1, seen)),
                                state_.best_accuracy, state_.best_accuracy >= 0);
  note += rate_note(static_cast<double>(trained_items_), train_seconds_);
  plan_.progress->update(stage, done_in_epoch, steps_per_epoch_, note);
}

void TorchRun::train_epoch() {
  const int64_t variant = options_.draws > 0 ? state_.epoch % options_.draws : state_.epoch;
  const int64_t draw = options_.augmentation.any() ? variant : 0;
  const auto* augmentation = options_.augmentation.any() ? &options_.augmentation : nullptr;
  if (distiller_) distiller_->begin_epoch(draw);
  BatchLoader loader(*plan_.train, views_,
                     epoch_order(plan_.train->size(), options_.seed, state_.epoch),
                     options_.batch_size, state_.step, augmentation, draw);
  while (state_.step < steps_per_epoch_) {
    const auto start = Clock::now();
    const Batch& batch = loader.next();
    const double loss = backward(batch);
    if (!std::isfinite(loss)) {
      throw Error("training", "the loss is not finite in epoch " +
                                  std::to_string(state_.epoch + 1) + "; lower --learning-rate");
    }
    optimizer_step();
    state_.loss_sum += loss * static_cast<double>(batch.items.size());
    ++state_.step;
    train_seconds_ += seconds_since(start);
    trained_items_ += static_cast<int64_t>(batch.items.size());
    report(state_.step, state_.step * options_.batch_size);
    if (state_.step < steps_per_epoch_) checkpoint(true);
  }
  loaded_wait_ += loader.waited();
}

void TorchRun::finish_epoch() {
  const int64_t items = std::min(plan_.train->size(), steps_per_epoch_ * options_.batch_size);
  const double loss = state_.loss_sum / static_cast<double>(items);
  Json row = Json::object();
  row["epoch"] = state_.epoch + 1;
  row["loss"] = loss;
  double accuracy = 0;
  if (plan_.validation) {
    accuracy = accuracy_of(predict(graph_, *plan_.validation), *plan_.validation);
    row["validation_accuracy"] = accuracy;
  }
  state_.curve.push_back(std::move(row));
  ++state_.epoch;
  state_.step = 0;
  state_.loss_sum = 0;
  ++state_.stale_epochs;
  if (keeps_last() || accuracy > state_.best_accuracy) {
    state_.best_accuracy = accuracy;
    state_.best_epoch = state_.epoch;
    state_.stale_epochs = 0;
    copy_to(state_.best_weights, state_.best_statistics);
  }
  plan_.progress->log("epoch " + std::to_string(state_.epoch) + "/" +
                      std::to_string(options_.epochs) + "  " +
                      epoch_note(loss, accuracy, plan_.validation != nullptr) +
                      rate_note(static_cast<double>(trained_items_), train_seconds_) +
                      wait_note(loaded_wait_, train_seconds_));
  checkpoint(false);
}

void TorchRun::checkpoint(bool in_epoch) {
  if (plan_.checkpoint.empty()) return;
  if (in_epoch && Clock::now() - last_checkpoint_ < kCheckpointInterval) return;
  copy_to(state_.weights, state_.statistics);
  state_.optimizer = optimizer_->state();
  write_checkpoint(plan_.checkpoint, identity_, options_.threads, state_);
  last_checkpoint_ = Clock::now();
}

bool TorchRun::done() const {
  if (state_.epoch >= options_.epochs) return true;
  return options_.patience > 0 && !keeps_last() && state_.stale_epochs >= options_.patience;
}

TrainResult TorchRun::result() {
  if (!state_.best_weights.empty()) copy_from(state_.best_weights, state_.best_statistics);
  TrainResult out;
  out.model = graph_.updated(std::move(model_));
  out.validation_accuracy = std::max(0.0, state_.best_accuracy);
  out.best_epoch = state_.best_epoch;
  out.epochs_run = state_.epoch;
  out.curve = state_.curve;
  out.samples_per_second =
      train_seconds_ > 0 ? static_cast<double>(trained_items_) / train_seconds_ : 0;
  out.data_wait_fraction = train_seconds_ > 0 ? loaded_wait_ / train_seconds_ : 0;
  return out;
}

TrainResult TorchRun::run() {
  while (!done()) {
    train_epoch();
    finish_epoch();
  }
  return result();
}

}  // namespace pare::train
