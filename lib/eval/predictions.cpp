// SPDX-License-Identifier: Apache-2.0
// Predictions from a model, and whether predictions belong to a data set.
#include "lib/eval/predictions.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <thread>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/data/batch.hpp"
#include "lib/eval/label_space.hpp"
#include "lib/runtime/session.hpp"

namespace pare::eval {
namespace {

// Smallest probability that is kept apart from zero: the smallest normal float.
constexpr float kSmallestProbability = 1.17549435e-38F;

bool ends_in_softmax(const ir::Graph& graph) {
  const ir::NodeId producer = graph.producer(graph.outputs.front());
  return producer.valid() && graph.node(producer).op == "Softmax";
}

void check_graph(const ir::Model& model, const std::string& subject) {
  const ir::Graph& graph = model.main();
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    throw Error(subject, "a classifier has one input and one output, this graph has " +
                             std::to_string(graph.inputs.size()) + " and " +
                             std::to_string(graph.outputs.size()));
  }
}

// What the models' outputs become: [items, width], filled batch by batch.
struct Outputs {
  std::vector<float>& values;
  int64_t items = 0;
  int64_t width = 0;
  bool probabilities = false;
};

// Copies one output of a batch, `width` numbers an item, to its columns; throws on what is no
// number.
void store_output(std::span<const float> output, int64_t first, int64_t width, int64_t column,
                  const std::string& subject, const Outputs& outputs) {
  for (size_t i = 0; i < output.size(); ++i) {
    const int64_t item = first + static_cast<int64_t>(i) / width;
    const int64_t at = column + static_cast<int64_t>(i) % width;
    float value = output[i];
    if (!std::isfinite(value)) {
      throw Error(subject, "item " + std::to_string(item) + ": output " + std::to_string(at) +
                               " is " + (std::isnan(value) ? "NaN" : "infinite"));
    }
    if (outputs.probabilities) value = std::log(std::max(value, kSmallestProbability));
    outputs.values[static_cast<size_t>(item * outputs.width + at)] = value;
  }
}

struct BatchJob {
  const data::Dataset& dataset;
  const ir::Preprocessing& preprocessing;
  int64_t batch;
  const std::string& subject;
};

// Whole batches go to threads, each with a session of its own: nothing waits inside a batch, which
// on a busy machine is the difference between seconds and minutes.
struct Worker {
  runtime::Session session;
  std::exception_ptr error;
  int64_t failed_at = 0;  // first item of the batch that threw
};

void run_batch(const BatchJob& job, int64_t first, runtime::Session& session,
               const Outputs& outputs) {
  const int64_t count = std::min(job.batch, outputs.items - first);
  // The plan has a fixed batch: the last one is filled up with its last item.
  std::vector<int64_t> items(static_cast<size_t>(job.batch));
  for (int64_t i = 0; i < job.batch; ++i) {
    items[static_cast<size_t>(i)] = first + std::min(i, count - 1);
  }
  data::load_batch(job.dataset, job.preprocessing, items, nullptr, 0, session.input(0), 1);
  session.run();
  int64_t column = 0;
  for (int o = 0; o < session.output_count(); ++o) {
    const auto output = session.output(o);
    const int64_t width = static_cast<int64_t>(output.size()) / job.batch;
    store_output(output.first(static_cast<size_t>(count * width)), first, width, column,
                 job.subject, outputs);
    column += width;
  }
}

// Worker w takes every workers.size()-th batch from the w-th. Throws what the earliest failing
// batch threw, whatever the number of workers.
void run_batches(const BatchJob& job, std::vector<Worker>& workers, const Outputs& outputs,
                 Progress& progress) {
  std::atomic<int64_t> done{0};
  const auto work = [&](size_t w) {
    const int64_t stride = job.batch * static_cast<int64_t>(workers.size());
    int64_t first = job.batch * static_cast<int64_t>(w);
    try {
      for (; first < outputs.items; first += stride) {
        run_batch(job, first, workers[w].session, outputs);
        done += std::min(job.batch, outputs.items - first);
        // Progress belongs to the calling thread.
        if (w == 0) progress.update("evaluating " + job.subject, done, outputs.items);
      }
    } catch (...) {
      workers[w].error = std::current_exception();
      workers[w].failed_at = first;
    }
  };
  std::vector<std::thread> threads;
  for (size_t w = 1; w < workers.size(); ++w) threads.emplace_back(work, w);
  work(0);
  for (std::thread& thread : threads) thread.join();
  const Worker* earliest = nullptr;
  for (const Worker& worker : workers) {
    if (worker.error && (earliest == nullptr || worker.failed_at < earliest->failed_at)) {
      earliest = &worker;
    }
  }
  if (earliest != nullptr) std::rethrow_exception(earliest->error);
  progress.update("evaluating " + job.subject, outputs.items, outputs.items);
}

int64_t width_of(const runtime::Session& session, int64_t batch) {
  int64_t width = 0;
  for (int o = 0; o < session.output_count(); ++o) {
    width += static_cast<int64_t>(session.output(o).size()) / batch;
  }
  return width;
}

// Runs the model over the whole data set. `check` sees the width of its outputs before the work.
std::vector<float> run_model(const ir::Model& model, const data::Dataset& dataset,
                             const PredictOptions& options, bool probabilities,
                             const std::function<void(int64_t)>& check, const std::string& subject,
                             Progress& progress) {
  const int64_t batch = std::clamp<int64_t>(options.batch, 1, dataset.size());
  const int64_t batches = (dataset.size() + batch - 1) / batch;
  const int worker_count = static_cast<int>(std::clamp<int64_t>(options.threads, 1, batches));
  // One batch alone is worth threads of its own.
  const int inner_threads = batches == 1 ? options.threads : 1;
  runtime::Session session(model, {.batch = batch, .threads = inner_threads});
  const ir::Dims& input = session.input_dims(0);
  const ir::Preprocessing& preprocessing = model.metadata.preprocessing;
  data::check_compatible(dataset.info(), preprocessing, ir::Dims(input.begin() + 1, input.end()),
                         subject);
  const int64_t width = width_of(session, batch);
  check(width);
  std::vector<float> values(
      static_cast<size_t>(checked_mul(dataset.size(), width, dataset.info().source)));
  std::vector<Worker> workers;
  workers.push_back({std::move(session), nullptr, 0});
  for (int w = 1; w < worker_count; ++w) {
    workers.push_back({runtime::Session(model, {.batch = batch, .threads = 1}), nullptr, 0});
  }
  const BatchJob job{dataset, preprocessing, batch, subject};
  run_batches(job, workers, {values, dataset.size(), width, probabilities}, progress);
  return values;
}

}  // namespace

int64_t argmax(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

Predictions predict(const ir::Model& model, const data::Dataset& dataset,
                    const PredictOptions& options, const std::string& subject, Progress& progress) {
  if (dataset.size() == 0) throw Error(dataset.info().source, "holds no items");
  if (dataset.info().is_regression()) {
    throw Error(dataset.info().source, "holds numbers to predict, expected classes");
  }
  check_graph(model, subject);
  check_label_space(model.metadata.labels, dataset.info(), subject);
  Predictions predictions;
  predictions.items = dataset.size();
  predictions.logits = run_model(
      model, dataset, options, ends_in_softmax(model.main()),
      [&](int64_t width) {
        check_width(width, dataset.info(), subject);
        predictions.class_count = width;
      },
      subject, progress);
  predictions.classes = dataset.info().classes;
  predictions.labels = labels_of(dataset);
  predictions.fingerprint = dataset.fingerprint();
  for (int64_t i = 0; i < predictions.items; ++i) {
    predictions.predicted.push_back(argmax(predictions.logits_of(i)));
  }
  return predictions;
}

std::vector<float> predict_numbers(const ir::Model& model, const data::Dataset& dataset,
                                   const PredictOptions& options, const std::string& subject,
                                   Progress& progress) {
  if (dataset.size() == 0) throw Error(dataset.info().source, "holds no items");
  if (model.main().inputs.size() != 1) {
    throw Error(subject,
                "has " + std::to_string(model.main().inputs.size()) + " inputs, the data has one");
  }
  const auto targets = static_cast<int64_t>(dataset.info().targets.size());
  const auto check = [&](int64_t width) {
    if (width == targets) return;
    throw Error(subject, "gives " + std::to_string(width) + " numbers an item, the data has " +
                             std::to_string(targets) + " to predict");
  };
  return run_model(model, dataset, options, false, check, subject, progress);
}

void check_predictions(Predictions& predictions, const data::Dataset& dataset,
                       const std::string& subject) {
  const auto classes = static_cast<int64_t>(dataset.info().classes.size());
  if (predictions.items != dataset.size()) {
    throw Error(subject, "holds predictions for " + std::to_string(predictions.items) +
                             " items, the data has " + std::to_string(dataset.size()));
  }
  check_label_space(predictions.classes, dataset.info(), subject);
  if (!predictions.logits.empty()) check_width(predictions.class_count, dataset.info(), subject);
  predictions.class_count = classes;
  if (!predictions.fingerprint.empty() && predictions.fingerprint != dataset.fingerprint()) {
    throw Error(subject, "predictions of other data: fingerprint " +
                             predictions.fingerprint.substr(0, 12) + ", expected " +
                             dataset.fingerprint().substr(0, 12));
  }
  const auto item_error = [&](size_t item, const std::string& fact) {
    return Error(subject, "item " + std::to_string(item) + ": " + fact);
  };
  for (size_t i = 0; i < predictions.predicted.size(); ++i) {
    const int64_t predicted = predictions.predicted[i];
    if (predicted < 0 || predicted >= classes) {
      throw item_error(i, "class " + std::to_string(predicted) + " predicted, the data has " +
                              std::to_string(classes) + " classes");
    }
    const int64_t label = dataset.label(static_cast<int64_t>(i));
    if (!predictions.labels.empty() && predictions.labels[i] != label) {
      throw item_error(i, "label " + std::to_string(predictions.labels[i]) + ", the data says " +
                              std::to_string(label));
    }
  }
  for (size_t i = 0; i < predictions.logits.size(); ++i) {
    if (std::isfinite(predictions.logits[i])) continue;
    const auto width = static_cast<size_t>(classes);
    throw item_error(i / width,
                     "logit of class " + std::to_string(i % width) + " is NaN or infinite");
  }
}

}  // namespace pare::eval
