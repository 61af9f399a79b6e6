// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

constexpr int kCalibrationBins = 15;
constexpr int64_t kTopK = 5;

// ln sum exp(logits), shifted by the largest so that nothing overflows.
double log_sum_exp(std::span<const float> logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

struct Bin {
  int64_t items = 0;
  int64_t correct = 0;
  double confidence = 0;
};

double calibration_error(std::span<const Bin> bins, int64_t items) {
  double error = 0.0;
  for (const Bin& bin : bins) error += std::abs(static_cast<double>(bin.correct) - bin.confidence);
  return error / static_cast<double>(items);
}

// Whether fewer than k classes have a larger logit, ties going to the lower index as in argmax.
bool in_top_k(std::span<const float> logits, int64_t label, int64_t k) {
  const float own = logits[static_cast<size_t>(label)];
  int64_t ahead = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    ahead += logits[c] > own || (logits[c] == own && static_cast<int64_t>(c) < label);
  }
  return ahead < k;
}

void measure_logits(const Predictions& predictions, std::span<const int64_t> labels,
                    Metrics& metrics) {
  std::array<Bin, kCalibrationBins> bins{};
  double loss = 0.0;
  int64_t top5 = 0;
  for (int64_t i = 0; i < predictions.items; ++i) {
    const auto logits = predictions.logits_of(i);
    const auto at = static_cast<size_t>(i);
    const double normaliser = log_sum_exp(logits);
    loss += normaliser - static_cast<double>(logits[static_cast<size_t>(labels[at])]);
    top5 += in_top_k(logits, labels[at], kTopK);
    const auto said = static_cast<size_t>(predictions.predicted[at]);
    const double confidence = std::exp(static_cast<double>(logits[said]) - normaliser);
    const auto bin =
        std::min<size_t>(kCalibrationBins - 1, static_cast<size_t>(confidence * kCalibrationBins));
    ++bins[bin].items;
    bins[bin].correct += predictions.predicted[at] == labels[at];
    bins[bin].confidence += confidence;
  }
  const auto items = static_cast<double>(predictions.items);
  metrics.log_loss = loss / items;
  metrics.calibration_error = calibration_error(bins, predictions.items);
  if (predictions.class_count > kTopK) metrics.top5 = static_cast<double>(top5) / items;
}

double macro_f1(std::span<const ClassCount> classes) {
  double sum = 0.0;
  int64_t counted = 0;
  for (const ClassCount& c : classes) {
    if (c.items + c.predicted == 0) continue;
    sum += 2.0 * static_cast<double>(c.correct) / static_cast<double>(c.items + c.predicted);
    ++counted;
  }
  return counted == 0 ? 0.0 : sum / static_cast<double>(counted);
}

double kl_mean(const Predictions& base, const Predictions& candidate) {
  double total = 0.0;
  for (int64_t i = 0; i < base.items; ++i) {
    const auto p = base.logits_of(i);
    const auto q = candidate.logits_of(i);
    const double p_norm = log_sum_exp(p);
    const double q_norm = log_sum_exp(q);
    for (size_t c = 0; c < p.size(); ++c) {
      const double log_p = static_cast<double>(p[c]) - p_norm;
      const double log_q = static_cast<double>(q[c]) - q_norm;
      total += std::exp(log_p) * (log_p - log_q);
    }
  }
  return std::max(0.0, total / static_cast<double>(base.items));
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

Metrics measure(const Predictions& predictions, std::span<const int64_t> labels) {
  require(predictions.items > 0 && predictions.items == static_cast<int64_t>(labels.size()) &&
              predictions.predicted.size() == labels.size(),
          "metrics need one label an item");
  Metrics metrics;
  metrics.items = predictions.items;
  metrics.classes.resize(static_cast<size_t>(predictions.class_count));
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool right = predictions.predicted[i] == labels[i];
    auto& truth = metrics.classes.at(static_cast<size_t>(labels[i]));
    ++truth.items;
    truth.correct += right;
    metrics.correct += right;
    ++metrics.classes.at(static_cast<size_t>(predictions.predicted[i])).predicted;
  }
  metrics.top1 = static_cast<double>(metrics.correct) / static_cast<double>(metrics.items);
  metrics.top1_interval = wilson_interval(metrics.correct, metrics.items);
  metrics.macro_f1 = macro_f1(metrics.classes);
  if (!predictions.logits.empty()) measure_logits(predictions, labels, metrics);
  return metrics;
}

Comparison compare(const Predictions& base, const Predictions& candidate,
                   std::span<const int64_t> labels, const Resampling& resampling) {
  require(base.items == candidate.items && base.class_count == candidate.class_count &&
              base.items == static_cast<int64_t>(labels.size()) && base.items > 0,
          "a comparison needs the same items and classes");
  Comparison comparison;
  std::vector<int8_t> differences(labels.size());
  int64_t agreeing = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool was_right = base.predicted[i] == labels[i];
    const bool is_right = candidate.predicted[i] == labels[i];
    comparison.lost += was_right && !is_right;
    comparison.gained += !was_right && is_right;
    differences[i] = static_cast<int8_t>(is_right - was_right);
    agreeing += base.predicted[i] == candidate.predicted[i];
  }
  const auto items = static_cast<double>(base.items);
  comparison.difference = static_cast<double>(comparison.gained - comparison.lost) / items;
  comparison.difference_interval = bootstrap_mean(differences, resampling);
  comparison.mcnemar_p = mcnemar_exact_p(comparison.lost, comparison.gained);
  comparison.agreement = static_cast<double>(agreeing) / items;
  find_worst_class(base, candidate, labels, comparison);
  if (!base.logits.empty() && !candidate.logits.empty()) {
    comparison.kl_mean = kl_mean(base, candidate);
  }
  return comparison;
}

}  // namespace pare::eval
