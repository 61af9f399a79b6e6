// SPDX-License-Identifier: Apache-2.0
#include "quantize/calibrate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/data/batch.hpp"
#include "lib/runtime/session.hpp"

namespace pare::quantize {

namespace {

constexpr int64_t kBatch = 32;
// Normalized images lie within a few standard deviations; raw pixels reach 255.
constexpr float kLargestNormalized = 20.0F;

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// What is worth a warning about the inputs, collected while they stream by.
struct InputFacts {
  float low = 0, high = 0;
  bool any = false;
  bool items_equal = true;
  std::vector<float> first;

  void add(std::span<const float> item) {
    if (!any) {
      first.assign(item.begin(), item.end());
      low = high = item.empty() ? 0.0F : item.front();
      any = true;
    }
    for (const float x : item) low = std::min(low, x), high = std::max(high, x);
    items_equal = items_equal && std::ranges::equal(item, first);
  }
};

void warn_about_inputs(const InputFacts& facts, int64_t items, bool stated, Progress& progress) {
  const float largest = std::max(-facts.low, facts.high);
  if (!stated) progress.warn("the model states no preprocessing: calibrating on raw values");
  if (largest > kLargestNormalized) {
    progress.warn("calibration inputs reach " + shown(largest) +
                  " after preprocessing: they look unnormalized");
  }
  if (facts.low == facts.high) {
    progress.warn("calibration inputs are constant (" + shown(facts.low) + " everywhere)");
  } else if (items > 1 && facts.items_equal) {
    progress.warn("calibration inputs are constant: all items are the same");
  }
}

void warn_about_classes(const data::Dataset& dataset, Progress& progress) {
  const auto& classes = dataset.info().classes;
  if (classes.size() < 2) return;
  std::vector<int64_t> seen(classes.size());
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const int64_t label = dataset.label(i);
    if (label >= 0 && label < static_cast<int64_t>(seen.size())) ++seen[static_cast<size_t>(label)];
  }
  const auto missing = std::ranges::count(seen, 0);
  if (missing == 0) return;
  if (missing + 1 == static_cast<std::ptrdiff_t>(seen.size())) {
    const auto only = static_cast<size_t>(std::ranges::max_element(seen) - seen.begin());
    progress.warn("calibration data holds one class only (" + escaped(classes[only]) + ")");
    return;
  }
  const auto first = static_cast<size_t>(std::ranges::find(seen, 0) - seen.begin());
  progress.warn("calibration data lacks " + std::to_string(missing) + " of " +
                std::to_string(seen.size()) + " classes (" + escaped(classes[first]) +
                (missing > 1 ? ", ...)" : ")"));
}

class Calibration {
 public:
  Calibration(const ir::Model& model, const std::vector<ir::ValueId>& watched,
              const data::Dataset& dataset, pass::Context& context)
      : model_(model),
        watched_(watched),
        dataset_(dataset),
        context_(context),
        observers_(watched.size()) {
    const ir::Graph& graph = model.main();
    if (graph.inputs.size() != 1) {
      throw Error(escaped(graph.name), "has " + std::to_string(graph.inputs.size()) +
                                           " inputs; calibration feeds models with one");
    }
    const ir::Value& input = graph.value(graph.inputs.front());
    if (input.dtype != ir::DType::kF32 || input.shape.empty()) {
      throw Error(escaped(input.name), "calibration feeds f32 inputs with a batch dimension");
    }
    if (input.shape.front().known()) fixed_batch_ = input.shape.front().size;
    const ir::Shape item(input.shape.begin() + 1, input.shape.end());
    data::check_compatible(dataset.info(), model.metadata.preprocessing,
                           ir::known_dims(item, input.name), "calibration data");
  }

  std::vector<Observer> run() {
    const int64_t total = dataset_.size();
    const int64_t batch = fixed_batch_ > 0 ? fixed_batch_ : std::min(kBatch, total);
    const int64_t whole = total / batch * batch;
    if (whole == 0) throw Error("calibration data", "has fewer items than the model's batch");
    feed(0, whole, batch);
    // A model with a fixed batch leaves out what does not fill one.
    if (whole < total && fixed_batch_ == 0) feed(whole, total, total - whole);
    warn_about_inputs(facts_, total, model_.metadata.preprocessing.stated, *context_.progress);
    warn_about_classes(dataset_, *context_.progress);
    return std::move(observers_);
  }

 private:
  void feed(int64_t first, int64_t last, int64_t batch) {
    runtime::Session session(model_,
                             {.batch = batch, .threads = context_.threads, .watch = watched_});
    std::vector<int64_t> items(static_cast<size_t>(batch));
    for (int64_t at = first; at < last; at += batch) {
      std::iota(items.begin(), items.end(), at);
      const std::span<float> input = session.input();
      data::load_batch(dataset_, model_.metadata.preprocessing, items, nullptr, 0, input,
                       context_.threads);
      const size_t item = input.size() / static_cast<size_t>(batch);
      for (size_t i = 0; i < items.size(); ++i) facts_.add(input.subspan(i * item, item));
      session.run();
      observe(session);
      context_.progress->update("calibrating", at + batch, dataset_.size());
    }
  }

  void observe(const runtime::Session& session) {
    const auto count = static_cast<int64_t>(watched_.size());
    parallel_for(count, context_.threads, [&](int64_t i) {
      observers_[static_cast<size_t>(i)].add(session.watched(static_cast<int>(i)));
    });
    for (size_t i = 0; i < watched_.size(); ++i) {
      if (observers_[i].finite()) continue;
      throw Error(escaped(model_.main().value(watched_[i]).name),
                  "is NaN or Inf on the calibration data");
    }
  }

  const ir::Model& model_;
  const std::vector<ir::ValueId>& watched_;
  const data::Dataset& dataset_;
  pass::Context& context_;
  std::vector<Observer> observers_;
  InputFacts facts_;
  int64_t fixed_batch_ = 0;
};

}  // namespace

std::vector<Observer> calibrate(const ir::Model& model, const std::vector<ir::ValueId>& watched,
                                int64_t samples, pass::Context& context) {
  require(context.calibration != nullptr, "the runner refuses w8a8 without calibration data");
  std::shared_ptr<const data::Dataset> dataset = context.calibration;
  if (dataset->size() == 0) throw Error("calibration data", "has no items");
  if (dataset->size() > samples) dataset = data::sample(dataset, samples, context.seed);
  return Calibration(model, watched, *dataset, context).run();
}

}  // namespace pare::quantize
