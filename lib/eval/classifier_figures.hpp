// SPDX-License-Identifier: Apache-2.0
// The figures of a classifier, alone and against the base on the same items, in the words of
// budgets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/eval/estimate.hpp"
#include "lib/eval/figure.hpp"
#include "lib/eval/predictions.hpp"

namespace pare::eval {

// What a report needs of each candidate again for every comparison with it.
struct ClassifierEstimates {
  Estimate accuracy;
  Estimate macro_f1;
  // These need logits.
  std::optional<Estimate> log_loss;
  std::optional<Estimate> calibration_error;
  // Area under the ROC curve: of class 1 when there are two, else the mean over the classes that
  // have items and are not all items, each against the rest by its softmax probability (Hand and
  // Till 2001 review this choice); variance by DeLong, DeLong and Clarke-Pearson, Biometrics 44
  // (1988). Absent when no class qualifies.
  std::optional<Estimate> auc;
  int64_t correct = 0;
  std::optional<int64_t> top5_correct;  // more than five classes
  std::vector<bool> top5;               // [items], or empty
};

ClassifierEstimates estimate_classifier(const Predictions& predictions,
                                        std::span<const int64_t> labels);

// accuracy, top5, macro_f1, auc, log_loss, calibration_error.
std::vector<Figure> classifier_figures(const ClassifierEstimates& estimates, int64_t items);

// Items that only one of two models got right, among those where `counted` is true (all when
// empty).
PairedCounts paired_counts(const Predictions& base, const Predictions& candidate,
                           std::span<const int64_t> labels, const std::vector<bool>& counted = {});

// accuracy_drop, worst_class_drop, flips, kl_mean, ..._relative and the other drops and rises.
std::vector<Figure> comparison_figures(const Predictions& base,
                                       const ClassifierEstimates& base_estimates,
                                       const Predictions& candidate,
                                       const ClassifierEstimates& estimates,
                                       std::span<const int64_t> labels,
                                       std::span<const std::string> classes);

// KL(base || candidate) of each item's class probabilities, nats. Both have logits.
std::vector<double> divergences(const Predictions& base, const Predictions& candidate);

// ln sum exp(logits), shifted by the largest so that nothing overflows.
double log_sum_exp(std::span<const float> logits);
// Whether fewer than k classes have a larger logit, ties going to the lower index as in argmax.
bool in_top_k(std::span<const float> logits, int64_t label, int64_t k);
inline constexpr int64_t kTopK = 5;
inline constexpr size_t kCalibrationBins = 15;

}  // namespace pare::eval
