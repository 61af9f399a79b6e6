// SPDX-License-Identifier: Apache-2.0
// Figures against definitions written out naively, their errors against leave-one-out jackknives.
#include "lib/eval/classifier_figures.hpp"

#include <cmath>
#include <functional>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"

namespace pare::eval {
namespace {

struct Sample {
  Predictions predictions;
  std::vector<int64_t> labels;
};

// Logits that favour the right class by `skill`; a few repeated so that scores tie.
Sample sample_of(int64_t items, int64_t classes, float skill, uint64_t seed) {
  Rng rng(seed);
  Sample out;
  out.predictions.items = items;
  out.predictions.class_count = classes;
  for (int64_t i = 0; i < items; ++i) {
    out.labels.push_back(rng.below(classes));
    for (int64_t c = 0; c < classes; ++c) {
      const float noise = std::round(4.0F * rng.normal()) / 4.0F;
      out.predictions.logits.push_back(noise + (c == out.labels.back() ? skill : 0.0F));
    }
    out.predictions.predicted.push_back(argmax(out.predictions.logits_of(i)));
  }
  return out;
}

Sample without(const Sample& whole, size_t dropped) {
  Sample out;
  out.predictions.items = whole.predictions.items - 1;
  out.predictions.class_count = whole.predictions.class_count;
  for (size_t i = 0; i < whole.labels.size(); ++i) {
    if (i == dropped) continue;
    out.labels.push_back(whole.labels[i]);
    out.predictions.predicted.push_back(whole.predictions.predicted[i]);
    const auto logits = whole.predictions.logits_of(static_cast<int64_t>(i));
    out.predictions.logits.insert(out.predictions.logits.end(), logits.begin(), logits.end());
  }
  return out;
}

double probability(const Predictions& p, int64_t item, size_t c) {
  double sum = 0.0;
  for (const float logit : p.logits_of(item)) sum += std::exp(static_cast<double>(logit));
  return std::exp(static_cast<double>(p.logits_of(item)[c])) / sum;
}

// Of all pairs of one item in the class and one outside, the share ranked rightly, ties half.
double naive_auc(const Sample& s) {
  double total = 0.0;
  const int64_t first = s.predictions.class_count == 2 ? 1 : 0;
  for (int64_t c = first; c < s.predictions.class_count; ++c) {
    double right = 0.0, pairs = 0.0;
    for (size_t i = 0; i < s.labels.size(); ++i) {
      for (size_t j = 0; j < s.labels.size(); ++j) {
        if (s.labels[i] != c || s.labels[j] == c) continue;
        const auto at = static_cast<size_t>(c);
        const double in = probability(s.predictions, static_cast<int64_t>(i), at);
        const double out = probability(s.predictions, static_cast<int64_t>(j), at);
        right += std::abs(in - out) < 1e-12 ? 0.5 : in > out;
        pairs += 1.0;
      }
    }
    total += right / pairs;
  }
  return total / static_cast<double>(s.predictions.class_count - first);
}

double standard_error(const Figure& figure) {
  return std::get<MeanOfItems>(figure.spread).standard_error;
}

// Efron and Tibshirani 1993, equation 11.5.
double jackknife_error(const Sample& whole, const std::function<double(const Sample&)>& value_of) {
  std::vector<double> values;
  double mean = 0.0;
  const auto n = static_cast<double>(whole.labels.size());
  for (size_t i = 0; i < whole.labels.size(); ++i) {
    values.push_back(value_of(without(whole, i)));
    mean += values.back() / n;
  }
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares * (n - 1.0) / n);
}

TEST_CASE("AUROC counts rightly ranked pairs, for two classes and for more") {
  for (const int64_t classes : {int64_t{2}, int64_t{4}}) {
    const Sample s = sample_of(90, classes, 1.0F, 3);
    const ClassifierEstimates estimates = estimate_classifier(s.predictions, s.labels);
    // Sums of some thousand terms of order 1e-4: double rounding stays below 1e-12.
    CHECK(estimates.auc->value == doctest::Approx(naive_auc(s)).epsilon(1e-12));
  }
}

TEST_CASE("a class without items leaves AUROC to the others, one class alone has none") {
  Sample s = sample_of(30, 3, 1.0F, 4);
  for (int64_t& label : s.labels) label = label == 2 ? 1 : label;
  CHECK(estimate_classifier(s.predictions, s.labels).auc.has_value());
  for (int64_t& label : s.labels) label = 1;
  CHECK_FALSE(estimate_classifier(s.predictions, s.labels).auc.has_value());
}

TEST_CASE("standard errors of smooth figures agree with the jackknife") {
  const Sample s = sample_of(300, 3, 1.2F, 11);
  const ClassifierEstimates all = estimate_classifier(s.predictions, s.labels);
  const struct {
    const char* name;
    std::function<const Estimate&(const ClassifierEstimates&)> of;
  } rows[] = {{"macro_f1", [](const auto& e) -> const Estimate& { return e.macro_f1; }},
              {"log_loss", [](const auto& e) -> const Estimate& { return *e.log_loss; }},
              {"auc", [](const auto& e) -> const Estimate& { return *e.auc; }}};
  for (const auto& row : rows) {
    const double jackknife = jackknife_error(s, [&](const Sample& part) {
      return row.of(estimate_classifier(part.predictions, part.labels)).value;
    });
    // The two differ by terms of relative order 1/n with n = 300 and a constant of a few.
    CHECK_MESSAGE(standard_error(figure_of(row.name, row.of(all))) ==
                      doctest::Approx(jackknife).epsilon(0.03),
                  row.name);
    double sum = 0.0;
    for (const double each : row.of(all).influence) sum += each;
    CHECK(std::abs(sum) < 1e-8);
  }
}

TEST_CASE("what two models share cancels in the error of their difference") {
  const Sample a = sample_of(400, 3, 1.2F, 21);
  Sample b = a;
  for (size_t i = 0; i < 20; ++i) b.predictions.logits[3 * i] += 2.0F;
  for (int64_t i = 0; i < b.predictions.items; ++i) {
    b.predictions.predicted[static_cast<size_t>(i)] = argmax(b.predictions.logits_of(i));
  }
  const ClassifierEstimates of_a = estimate_classifier(a.predictions, a.labels);
  const ClassifierEstimates of_b = estimate_classifier(b.predictions, b.labels);
  const Figure alone = figure_of("log_loss", *of_a.log_loss);
  const Figure rise = difference_of("log_loss_rise", *of_b.log_loss, *of_a.log_loss);
  CHECK(rise.value == doctest::Approx(of_b.log_loss->value - of_a.log_loss->value));
  CHECK(standard_error(rise) < 0.5 * standard_error(alone));
}

TEST_CASE("identical models have drops of 0 with an error that is not") {
  const Sample s = sample_of(200, 7, 1.0F, 31);
  const ClassifierEstimates e = estimate_classifier(s.predictions, s.labels);
  const auto figures = comparison_figures(s.predictions, e, s.predictions, e, s.labels, {});
  for (const char* name : {"accuracy_drop", "accuracy_drop_relative", "worst_class_drop",
                           "top5_drop", "macro_f1_drop", "auc_drop", "calibration_error_rise"}) {
    const Figure* figure = find_figure(figures, name);
    REQUIRE_MESSAGE(figure != nullptr, name);
    CHECK(figure->value == 0.0);
    CHECK(interval_of(*figure, 0.95).high > 0.0);
  }
  CHECK(find_figure(figures, "kl_mean")->value == 0.0);
  CHECK(find_figure(figures, "agreement")->value == 1.0);
}

}  // namespace
}  // namespace pare::eval
