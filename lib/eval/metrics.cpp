// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/metrics.hpp"

#include <algorithm>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

Divergence summary_of(std::vector<double> divergences) {
  Divergence out;
  for (const double each : divergences) out.mean += each / static_cast<double>(divergences.size());
  std::sort(divergences.begin(), divergences.end());
  out.p50 = quantile_of_sorted(divergences, 0.50);
  out.p90 = quantile_of_sorted(divergences, 0.90);
  out.p99 = quantile_of_sorted(divergences, 0.99);
  out.largest = divergences.back();
  return out;
}

void find_worst_class(const Predictions& base, const Predictions& candidate,
                      std::span<const int64_t> labels, Comparison& comparison) {
  std::vector<int64_t> items(static_cast<size_t>(base.class_count));
  std::vector<int64_t> net_lost(items.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<size_t>(labels[i]);
    ++items[label];
    net_lost[label] += (base.predicted[i] == labels[i]) - (candidate.predicted[i] == labels[i]);
  }
  for (size_t c = 0; c < items.size(); ++c) {
    if (items[c] == 0) continue;
    const double drop = static_cast<double>(net_lost[c]) / static_cast<double>(items[c]);
    if (comparison.worst_class < 0 || drop > comparison.worst_class_drop) {
      comparison.worst_class_drop = drop;
      comparison.worst_class = static_cast<int64_t>(c);
    }
  }
}

}  // namespace

Metrics measure(const Predictions& predictions, const ClassifierEstimates& estimates,
                std::span<const int64_t> labels) {
  require(predictions.items > 0 && predictions.items == static_cast<int64_t>(labels.size()) &&
              predictions.predicted.size() == labels.size(),
          "metrics need one label an item");
  Metrics metrics;
  metrics.items = predictions.items;
  metrics.correct = estimates.correct;
  metrics.classes.resize(static_cast<size_t>(predictions.class_count));
  for (size_t i = 0; i < labels.size(); ++i) {
    auto& truth = metrics.classes.at(static_cast<size_t>(labels[i]));
    ++truth.items;
    truth.correct += predictions.predicted[i] == labels[i];
    ++metrics.classes.at(static_cast<size_t>(predictions.predicted[i])).predicted;
  }
  const auto value_of = [](const std::optional<Estimate>& estimate) {
    return estimate ? std::optional(estimate->value) : std::nullopt;
  };
  metrics.top1 = static_cast<double>(metrics.correct) / static_cast<double>(metrics.items);
  metrics.top1_interval = wilson_interval(metrics.correct, metrics.items);
  metrics.macro_f1 = estimates.macro_f1.value;
  metrics.log_loss = value_of(estimates.log_loss);
  metrics.calibration_error = value_of(estimates.calibration_error);
  metrics.auc = value_of(estimates.auc);
  if (estimates.top5_correct) {
    metrics.top5 =
        static_cast<double>(*estimates.top5_correct) / static_cast<double>(metrics.items);
  }
  return metrics;
}

Comparison compare(const Predictions& before, const Predictions& after,
                   std::span<const int64_t> labels, const Resampling& resampling) {
  require(before.items == after.items && before.class_count == after.class_count &&
              before.items == static_cast<int64_t>(labels.size()) && before.items > 0,
          "a comparison needs the same items and classes");
  Comparison comparison;
  std::vector<int8_t> differences(labels.size());
  int64_t agreeing = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool was_right = before.predicted[i] == labels[i];
    const bool is_right = after.predicted[i] == labels[i];
    comparison.lost += was_right && !is_right;
    comparison.gained += !was_right && is_right;
    differences[i] = static_cast<int8_t>(is_right - was_right);
    agreeing += before.predicted[i] == after.predicted[i];
  }
  const auto items = static_cast<double>(before.items);
  comparison.difference = static_cast<double>(comparison.gained - comparison.lost) / items;
  // Of the loss, which is the difference the other way round.
  const Interval loss =
      paired_difference_interval(comparison.lost, comparison.gained, before.items);
  comparison.difference_interval = {-loss.high, -loss.low};
  comparison.bootstrap_interval = bootstrap_mean(differences, resampling);
  comparison.mcnemar_p = mcnemar_exact_p(comparison.lost, comparison.gained);
  comparison.agreement = static_cast<double>(agreeing) / items;
  find_worst_class(before, after, labels, comparison);
  if (!before.logits.empty() && !after.logits.empty()) {
    comparison.divergence = summary_of(divergences(before, after));
  }
  return comparison;
}

}  // namespace pare::eval
