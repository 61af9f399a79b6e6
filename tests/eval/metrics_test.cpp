// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/metrics.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"

namespace pare::eval {
namespace {

Predictions from_logits(std::vector<float> logits, int64_t classes) {
  Predictions p;
  p.class_count = classes;
  p.items = static_cast<int64_t>(logits.size()) / classes;
  p.logits = std::move(logits);
  for (int64_t i = 0; i < p.items; ++i) p.predicted.push_back(argmax(p.logits_of(i)));
  return p;
}

Metrics measured(const Predictions& predictions, std::span<const int64_t> labels) {
  return measure(predictions, estimate_classifier(predictions, labels), labels);
}

TEST_CASE("metrics of four items agree with a computation by hand") {
  const float ln3 = std::log(3.0F);
  // Softmax of {ln 3, 0} is {3/4, 1/4}.
  const Predictions p = from_logits({ln3, 0, ln3, 0, 0, ln3, 0, ln3}, 2);
  const std::vector<int64_t> labels = {0, 1, 1, 1};
  const Metrics m = measured(p, labels);
  CHECK(m.correct == 3);
  CHECK(m.top1 == 0.75);
  CHECK(m.classes[1].items == 3);
  CHECK(m.classes[1].correct == 2);
  CHECK(m.classes[0].predicted == 2);
  // F1: class 0 precision 1/2, recall 1: 2/3; class 1 precision 1, recall 2/3: 4/5.
  CHECK(m.macro_f1 == doctest::Approx((2.0 / 3.0 + 0.8) / 2.0).epsilon(1e-14));
  // Float logits carry ln 3 to 24 bits; p and log p inherit a relative error below 1e-6.
  CHECK(*m.log_loss ==
        doctest::Approx(-(3.0 * std::log(0.75) + std::log(0.25)) / 4.0).epsilon(1e-6));
  // One bin, confidence 0.75, accuracy 0.75.
  CHECK(*m.calibration_error < 1e-6);
  CHECK_FALSE(m.top5.has_value());
}

TEST_CASE("top-5 counts ties in favour of the lower class, as the predicted class does") {
  const Predictions tied = from_logits(std::vector<float>(8, 0.0F), 8);
  const int64_t fifth[] = {4};
  const int64_t sixth[] = {5};
  CHECK(*measured(tied, fifth).top5 == 1.0);
  CHECK(*measured(tied, sixth).top5 == 0.0);
  CHECK(tied.predicted[0] == 0);
}

TEST_CASE("huge logits neither overflow nor lose the loss") {
  const Predictions p = from_logits({1e30F, 0, -1e30F, 0}, 2);
  const int64_t labels[] = {0, 1};
  CHECK(*measured(p, labels).log_loss == 0.0);
}

TEST_CASE("predictions without logits leave out what needs logits") {
  Predictions p;
  p.items = 2;
  p.class_count = 2;
  p.predicted = {0, 1};
  const int64_t labels[] = {0, 0};
  const Metrics m = measured(p, labels);
  CHECK(m.top1 == 0.5);
  CHECK_FALSE(m.log_loss.has_value());
  CHECK_FALSE(m.calibration_error.has_value());
  CHECK_FALSE(compare(p, p, labels, {}).divergence.has_value());
}

TEST_CASE("a comparison counts flips both ways and finds the class that fell most") {
  Predictions base;
  base.items = 6;
  base.class_count = 3;
  base.predicted = {0, 0, 1, 1, 2, 0};
  Predictions other = base;
  other.predicted = {0, 1, 1, 0, 2, 2};
  const std::vector<int64_t> labels = {0, 0, 1, 1, 2, 2};
  const Comparison c = compare(base, other, labels, {.seed = 1});
  CHECK(c.lost == 2);
  CHECK(c.gained == 1);
  CHECK(c.difference == doctest::Approx(-1.0 / 6.0));
  CHECK(c.agreement == 0.5);
  CHECK(c.worst_class == 0);  // classes 0 and 1 fell by a half alike: the first
  CHECK(c.worst_class_drop == 0.5);
  CHECK(c.mcnemar_p == 1.0);
}

TEST_CASE("KL divergence agrees with a naive double-precision sum and is 0 to itself") {
  Rng rng(5);
  std::vector<float> a(40), b(40);
  for (float& v : a) v = 3.0F * rng.normal();
  for (float& v : b) v = 3.0F * rng.normal();
  const Predictions p = from_logits(a, 4);
  const Predictions q = from_logits(b, 4);
  double naive = 0.0;
  for (size_t i = 0; i < 10; ++i) {
    double za = 0.0, zb = 0.0;
    for (size_t c = 0; c < 4; ++c) {
      za += std::exp(static_cast<double>(a[4 * i + c]));
      zb += std::exp(static_cast<double>(b[4 * i + c]));
    }
    for (size_t c = 0; c < 4; ++c) {
      const double pa = std::exp(static_cast<double>(a[4 * i + c])) / za;
      const double pb = std::exp(static_cast<double>(b[4 * i + c])) / zb;
      naive += pa * std::log(pa / pb) / 10.0;
    }
  }
  const std::vector<int64_t> labels(10, 0);
  // Both are double sums of 40 terms of order 1: 1e-12 leaves a thousandfold slack.
  CHECK(compare(p, q, labels, {}).divergence->mean == doctest::Approx(naive).epsilon(1e-12));
  CHECK(compare(p, p, labels, {}).divergence->largest == 0.0);
}

}  // namespace
}  // namespace pare::eval
