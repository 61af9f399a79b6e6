// SPDX-License-Identifier: Apache-2.0
// Quality of one classifier on labelled items, and of one against another on the same items.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lib/eval/classifier_figures.hpp"
#include "lib/eval/predictions.hpp"
#include "lib/eval/statistics.hpp"

namespace pare::eval {

struct ClassCount {
  int64_t items = 0;
  int64_t correct = 0;
  int64_t predicted = 0;  // how often the classifier said this class
};

struct Metrics {
  int64_t items = 0;
  int64_t correct = 0;
  double top1 = 0;
  Interval top1_interval;  // Wilson, 95 %
  double macro_f1 = 0;     // mean over classes that occur or are predicted
  std::vector<ClassCount> classes;
  // These need logits; top5 also more than five classes.
  std::optional<double> top5;
  std::optional<double> log_loss;           // mean -ln p[label], nats
  std::optional<double> calibration_error;  // ECE: Guo et al. 2017, eq. 5, 15 equal-width bins
  std::optional<double> auc;                // see ClassifierEstimates
};

// `labels` in [0, class_count), one an item; `estimates` of these predictions. Throws Bug on other
// lengths.
Metrics measure(const Predictions& predictions, const ClassifierEstimates& estimates,
                std::span<const int64_t> labels);

struct Divergence {
  double mean = 0, p50 = 0, p90 = 0, p99 = 0, largest = 0;  // KL(base || this) of an item, nats
};

struct Comparison {
  double difference = 0;         // top-1 minus the base's
  Interval difference_interval;  // Tango, 95 %: what verdicts rest on
  Interval bootstrap_interval;   // percentile bootstrap over items, 95 %
  int64_t lost = 0;              // right in the base, wrong here
  int64_t gained = 0;            // wrong in the base, right here
  double mcnemar_p = 1;
  double agreement = 0;  // fraction of items with the same predicted class
  // Largest fall of one class's accuracy (negative when every class rose), and the class.
  double worst_class_drop = 0;
  int64_t worst_class = -1;
  std::optional<Divergence> divergence;  // needs both logits
};

Comparison compare(const Predictions& base, const Predictions& candidate,
                   std::span<const int64_t> labels, const Resampling& resampling);

}  // namespace pare::eval
