// SPDX-License-Identifier: Apache-2.0
// What a classifier said about each item of a data set, in the data set's order: from a model run
// by our runtime, or from a file that some other runtime (a phone, a microcontroller) wrote. `pare
// predict` writes such files and `pare eval` takes them as candidates.
//
// NPZ arrays: predictions i64 [N]; logits f32 [N, C] (optional); labels i64 [N] (optional);
//   classes unicode [C] (optional); data_fingerprint unicode [] (optional).
// CSV columns: item, label, prediction, then logit_CLASS for each class. Read back by name; only
//   `prediction` is required.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/model.hpp"

namespace pare::eval {

struct Predictions {
  int64_t items = 0;
  int64_t class_count = 0;
  std::vector<int64_t> predicted;    // [items]
  std::vector<float> logits;         // [items, class_count], or empty: not stated
  std::vector<int64_t> labels;       // the true ones as the writer knew them, or empty
  std::vector<std::string> classes;  // or empty
  std::string fingerprint;           // of the data set, or empty
  std::span<const float> logits_of(int64_t item) const {
    return std::span(logits).subspan(static_cast<size_t>(item * class_count),
                                     static_cast<size_t>(class_count));
  }
};

struct PredictOptions {
  int threads = 1;  // sessions at work at once, each with weights of its own
  int64_t batch = 16;
};

// Index of the largest logit, the lowest index on ties.
int64_t argmax(std::span<const float> logits);

// Runs the model's main graph over the whole data set through the runtime (integer models in
// integers). Outputs of a final Softmax are stored as log-probabilities, so that `logits` always
// are logits. The bits do not depend on `threads`. Throws Error(subject, ...): labels or output
// width that differ from the data set's, items that do not fit the input, zero items, a logit that
// is NaN or infinite (naming the item).
Predictions predict(const ir::Model& model, const data::Dataset& dataset,
                    const PredictOptions& options, const std::string& subject,
                    Progress& progress = no_progress());

// Runs the model's main graph over a data set of numbers to predict; its outputs, side by side when
// there are several, are the predictions: [items, info().targets.size()]. Throws as predict() does.
std::vector<float> predict_numbers(const ir::Model& model, const data::Dataset& dataset,
                                   const PredictOptions& options, const std::string& subject,
                                   Progress& progress = no_progress());

// By extension: .npz or .csv, whatever the case.
bool is_predictions_path(const std::string& path);
// Throws UsageError on another extension, Error(path) when it cannot be written. Atomic.
void write_predictions(const Predictions& predictions, const std::string& path);
// Throws Error(path, ...) on a malformed file.
Predictions read_predictions(const std::string& path);
// Throws Error(subject, ...) unless the predictions are about this data set: item count, classes,
// label range, fingerprint and true labels where they are stated. Fills class_count.
void check_predictions(Predictions& predictions, const data::Dataset& dataset,
                       const std::string& subject);

}  // namespace pare::eval
