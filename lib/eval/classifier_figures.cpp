// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/classifier_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

Estimate estimate_accuracy(const Predictions& predictions, std::span<const int64_t> labels) {
  std::vector<double> right(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) right[i] = predictions.predicted[i] == labels[i];
  return mean_of(std::move(right));
}

// Of each class: F1 = 2 hits / (items + said); an item moves the F1 of its class and of the class
// that was said.
Estimate estimate_macro_f1(const Predictions& predictions, std::span<const int64_t> labels) {
  struct Counts {
    double hits = 0, items = 0, said = 0;
    double total() const { return items + said; }
  };
  std::vector<Counts> classes(static_cast<size_t>(predictions.class_count));
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto truth = static_cast<size_t>(labels[i]);
    const auto said = static_cast<size_t>(predictions.predicted[i]);
    classes[truth].items += 1;
    classes[said].said += 1;
    classes[truth].hits += truth == said;
  }
  double sum = 0.0;
  double counted = 0.0;
  for (const Counts& c : classes) {
    if (c.total() == 0.0) continue;
    sum += 2.0 * c.hits / c.total();
    counted += 1.0;
  }
  const auto n = static_cast<double>(labels.size());
  Estimate out{sum / counted, std::vector<double>(labels.size())};
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto truth = static_cast<size_t>(labels[i]);
    const auto said = static_cast<size_t>(predictions.predicted[i]);
    const auto of_class = [&](size_t c, double hits, double total) {
      const Counts& all = classes[c];
      return 2.0 * n * (hits * all.total() - all.hits * total) / (all.total() * all.total());
    };
    out.influence[i] = truth == said
                           ? of_class(truth, 1.0, 2.0) / counted
                           : (of_class(truth, 0.0, 1.0) + of_class(said, 0.0, 1.0)) / counted;
  }
  return out;
}

Estimate estimate_log_loss(const Predictions& predictions, std::span<const int64_t> labels,
                           std::span<const double> normalisers) {
  std::vector<double> losses(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto logits = predictions.logits_of(static_cast<int64_t>(i));
    losses[i] = normalisers[i] - static_cast<double>(logits[static_cast<size_t>(labels[i])]);
  }
  return mean_of(std::move(losses));
}

// Sum over bins of |correct - confidence|: an item moves its own bin's gap, in the gap's direction.
Estimate estimate_calibration_error(const Predictions& predictions, std::span<const int64_t> labels,
                                    std::span<const double> normalisers) {
  std::vector<double> excess(labels.size());
  std::vector<size_t> bins(labels.size());
  std::array<double, kCalibrationBins> gaps{};
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto logits = predictions.logits_of(static_cast<int64_t>(i));
    const auto said = static_cast<size_t>(predictions.predicted[i]);
    const double confidence = std::exp(static_cast<double>(logits[said]) - normalisers[i]);
    bins[i] = std::min(kCalibrationBins - 1,
                       static_cast<size_t>(confidence * static_cast<double>(kCalibrationBins)));
    excess[i] = static_cast<double>(predictions.predicted[i] == labels[i]) - confidence;
    gaps[bins[i]] += excess[i];
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (gaps[bins[i]] < 0.0) excess[i] = -excess[i];
  }
  return mean_of(std::move(excess));
}

// Ranks from 1, ties sharing their mean, of scores[i] for i in `of`.
std::vector<double> midranks(const std::vector<double>& scores, std::vector<size_t>& of) {
  std::sort(of.begin(), of.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  std::vector<double> ranks(scores.size());
  for (size_t first = 0; first < of.size();) {
    size_t end = first;
    while (end < of.size() && scores[of[end]] == scores[of[first]]) ++end;
    const double rank = 0.5 * static_cast<double>(first + 1 + end);
    for (size_t at = first; at < end; ++at) ranks[of[at]] = rank;
    first = end;
  }
  return ranks;
}

// Adds one class's area and influences (DeLong's placements, by ranks: Sun and Xu, IEEE Signal
// Processing Letters 21, 2014). False when every item or none is of the class.
bool add_class_auc(const std::vector<double>& scores, std::span<const int64_t> labels,
                   int64_t positive, Estimate& sum) {
  std::vector<size_t> all(labels.size());
  std::iota(all.begin(), all.end(), size_t{0});
  std::vector<size_t> in, out;
  for (const size_t i : all) (labels[i] == positive ? in : out).push_back(i);
  if (in.empty() || out.empty()) return false;
  const std::vector<double> ranks = midranks(scores, all);
  const std::vector<double> ranks_in = midranks(scores, in);
  const std::vector<double> ranks_out = midranks(scores, out);
  const auto n = static_cast<double>(labels.size());
  const auto n_in = static_cast<double>(in.size());
  const auto n_out = static_cast<double>(out.size());
  double area = 0.0;
  for (const size_t i : in) area += (ranks[i] - ranks_in[i]) / (n_in * n_out);
  for (const size_t i : in) {
    sum.influence[i] += n / n_in * ((ranks[i] - ranks_in[i]) / n_out - area);
  }
  for (const size_t i : out) {
    sum.influence[i] += n / n_out * (1.0 - (ranks[i] - ranks_out[i]) / n_in - area);
  }
  sum.value += area;
  return true;
}

// Integer models tie often: log-probabilities that differ only in how their sums were rounded are
// one score.
constexpr double kScoreSteps = 1099511627776.0;  // 2^40 a nat

std::optional<Estimate> estimate_auc(const Predictions& predictions,
                                     std::span<const int64_t> labels,
                                     std::span<const double> normalisers) {
  Estimate sum{0.0, std::vector<double>(labels.size())};
  double counted = 0.0;
  std::vector<double> scores(labels.size());
  // Of two classes one says it all: the other's curve is its mirror image.
  for (int64_t c = predictions.class_count == 2 ? 1 : 0; c < predictions.class_count; ++c) {
    for (size_t i = 0; i < scores.size(); ++i) {
      const auto logits = predictions.logits_of(static_cast<int64_t>(i));
      const double score = static_cast<double>(logits[static_cast<size_t>(c)]) - normalisers[i];
      scores[i] = std::round(score * kScoreSteps) / kScoreSteps;
    }
    counted += add_class_auc(scores, labels, c, sum);
  }
  if (counted == 0.0) return std::nullopt;
  sum.value /= counted;
  for (double& each : sum.influence) each /= counted;
  return sum;
}

// Appends difference_of(a, b) when both were measured.
void add_difference(std::string name, const std::optional<Estimate>& a,
                    const std::optional<Estimate>& b, std::vector<Figure>& out) {
  if (a && b) out.push_back(difference_of(std::move(name), *a, *b));
}

// The same of figures between 0 and 1. Two models that never differed may yet differ on the next
// item: the error is never less than what one item can do, as with Tango's interval.
void add_bounded_difference(std::string name, const std::optional<Estimate>& a,
                            const std::optional<Estimate>& b, std::vector<Figure>& out) {
  if (!a || !b) return;
  Figure figure = difference_of(std::move(name), *a, *b);
  auto& mean = std::get<MeanOfItems>(figure.spread);
  mean.standard_error = std::max(mean.standard_error, 1.0 / static_cast<double>(mean.items));
  out.push_back(std::move(figure));
}

void add_ratio(std::string name, const std::optional<Estimate>& a, const std::optional<Estimate>& b,
               std::vector<Figure>& out) {
  if (a && b && b->value > 0.0) out.push_back(ratio_of(std::move(name), *a, *b));
}

PairedCounts counts_of(const std::vector<bool>& before, const std::vector<bool>& after) {
  PairedCounts out{.items = static_cast<int64_t>(before.size())};
  for (size_t i = 0; i < before.size(); ++i) {
    out.lost += before[i] && !after[i];
    out.gained += !before[i] && after[i];
  }
  return out;
}

std::vector<WorstGroup::Group> counts_by_class(const Predictions& base,
                                               const Predictions& candidate,
                                               std::span<const int64_t> labels,
                                               std::span<const std::string> classes) {
  std::vector<WorstGroup::Group> groups(static_cast<size_t>(base.class_count));
  for (size_t c = 0; c < groups.size(); ++c) {
    groups[c].name = c < classes.size() ? classes[c] : std::to_string(c);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    PairedCounts& counts = groups[static_cast<size_t>(labels[i])].counts;
    const bool before = base.predicted[i] == labels[i];
    const bool after = candidate.predicted[i] == labels[i];
    ++counts.items;
    counts.lost += before && !after;
    counts.gained += !before && after;
  }
  return groups;
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

bool in_top_k(std::span<const float> logits, int64_t label, int64_t k) {
  const float own = logits[static_cast<size_t>(label)];
  int64_t ahead = 0;
  for (size_t c = 0; c < logits.size(); ++c) {
    ahead += logits[c] > own || (logits[c] == own && static_cast<int64_t>(c) < label);
  }
  return ahead < k;
}

std::vector<double> divergences(const Predictions& base, const Predictions& candidate) {
  std::vector<double> out(static_cast<size_t>(base.items));
  for (int64_t i = 0; i < base.items; ++i) {
    const auto p = base.logits_of(i);
    const auto q = candidate.logits_of(i);
    const double p_norm = log_sum_exp(p);
    const double q_norm = log_sum_exp(q);
    double sum = 0.0;
    for (size_t c = 0; c < p.size(); ++c) {
      const double log_p = static_cast<double>(p[c]) - p_norm;
      sum += std::exp(log_p) * (log_p - (static_cast<double>(q[c]) - q_norm));
    }
    out[static_cast<size_t>(i)] = std::max(0.0, sum);
  }
  return out;
}

ClassifierEstimates estimate_classifier(const Predictions& predictions,
                                        std::span<const int64_t> labels) {
  require(predictions.items > 0 && predictions.predicted.size() == labels.size(),
          "estimates need one label an item");
  ClassifierEstimates out{.accuracy = estimate_accuracy(predictions, labels),
                          .macro_f1 = estimate_macro_f1(predictions, labels)};
  for (size_t i = 0; i < labels.size(); ++i) out.correct += predictions.predicted[i] == labels[i];
  if (predictions.logits.empty()) return out;
  std::vector<double> normalisers(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    normalisers[i] = log_sum_exp(predictions.logits_of(static_cast<int64_t>(i)));
  }
  out.log_loss = estimate_log_loss(predictions, labels, normalisers);
  out.calibration_error = estimate_calibration_error(predictions, labels, normalisers);
  out.auc = estimate_auc(predictions, labels, normalisers);
  if (predictions.class_count <= kTopK) return out;
  out.top5.resize(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    out.top5[i] = in_top_k(predictions.logits_of(static_cast<int64_t>(i)), labels[i], kTopK);
  }
  out.top5_correct = std::count(out.top5.begin(), out.top5.end(), true);
  return out;
}

std::vector<Figure> classifier_figures(const ClassifierEstimates& estimates, int64_t items) {
  std::vector<Figure> out{proportion("accuracy", estimates.correct, items)};
  if (estimates.top5_correct) out.push_back(proportion("top5", *estimates.top5_correct, items));
  out.push_back(figure_of("macro_f1", estimates.macro_f1));
  const auto add = [&](const char* name, const std::optional<Estimate>& estimate) {
    if (estimate) out.push_back(figure_of(name, *estimate));
  };
  add("auc", estimates.auc);
  add("log_loss", estimates.log_loss);
  add("calibration_error", estimates.calibration_error);
  return out;
}

PairedCounts paired_counts(const Predictions& base, const Predictions& candidate,
                           std::span<const int64_t> labels, const std::vector<bool>& counted) {
  PairedCounts out;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!counted.empty() && !counted[i]) continue;
    const bool before = base.predicted[i] == labels[i];
    const bool after = candidate.predicted[i] == labels[i];
    ++out.items;
    out.lost += before && !after;
    out.gained += !before && after;
  }
  return out;
}

std::vector<Figure> comparison_figures(const Predictions& base,
                                       const ClassifierEstimates& base_estimates,
                                       const Predictions& candidate,
                                       const ClassifierEstimates& estimates,
                                       std::span<const int64_t> labels,
                                       std::span<const std::string> classes) {
  const PairedCounts counts = paired_counts(base, candidate, labels);
  int64_t agreeing = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    agreeing += base.predicted[i] == candidate.predicted[i];
  }
  std::vector<Figure> out{paired_drop("accuracy_drop", counts),
                          proportion("flips", counts.lost + counts.gained, counts.items),
                          proportion("agreement", agreeing, counts.items)};
  if (auto worst =
          worst_group("worst_class_drop", counts_by_class(base, candidate, labels, classes))) {
    out.push_back(std::move(*worst));
  }
  if (!base_estimates.top5.empty() && !estimates.top5.empty()) {
    out.push_back(paired_drop("top5_drop", counts_of(base_estimates.top5, estimates.top5)));
  }
  add_bounded_difference("macro_f1_drop", base_estimates.macro_f1, estimates.macro_f1, out);
  add_bounded_difference("auc_drop", base_estimates.auc, estimates.auc, out);
  add_difference("log_loss_rise", estimates.log_loss, base_estimates.log_loss, out);
  add_bounded_difference("calibration_error_rise", estimates.calibration_error,
                         base_estimates.calibration_error, out);
  add_ratio("macro_f1_relative", estimates.macro_f1, base_estimates.macro_f1, out);
  add_ratio("log_loss_relative", estimates.log_loss, base_estimates.log_loss, out);
  if (base_estimates.correct > 0) {
    PairedCounts relative = counts;
    relative.unit = base_estimates.accuracy.value;
    out.push_back(paired_drop("accuracy_drop_relative", relative));
  }
  if (!base.logits.empty() && !candidate.logits.empty()) {
    out.push_back(figure_of("kl_mean", mean_of(divergences(base, candidate))));
  }
  return out;
}

}  // namespace pare::eval
