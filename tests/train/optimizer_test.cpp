// SPDX-License-Identifier: Apache-2.0
#include "lib/train/optimizer.hpp"

#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

namespace pare::train {

namespace {

// The gradient of the quadratic sum_i (w_i - i)^2 / 2.
std::vector<float> gradient_at(std::span<const float> weights) {
  std::vector<float> g(weights.size());
  for (size_t i = 0; i < g.size(); ++i) g[i] = weights[i] - static_cast<float>(i);
  return g;
}

// Ten steps in double precision, written out from the papers' equations.
double reference(Optimizer kind, size_t i, double weight, double rate, double decay) {
  double v = 0;
  double m = 0;
  for (int t = 1; t <= 10; ++t) {
    double g = weight - static_cast<double>(i);
    if (kind == Optimizer::kAdamW) {
      weight -= rate * decay * weight;
    } else {
      g += decay * weight;
    }
    if (kind == Optimizer::kSgd) {
      v = 0.9 * v + g;
      weight -= rate * (g + 0.9 * v);
      continue;
    }
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double mean = m / (1 - std::pow(0.9, t));
    const double variance = v / (1 - std::pow(0.999, t));
    weight -= rate * mean / (std::sqrt(variance) + 1e-8);
  }
  return weight;
}

}  // namespace

TEST_CASE("each optimizer follows its paper's equations for ten steps") {
  for (const Optimizer kind : {Optimizer::kSgd, Optimizer::kAdam, Optimizer::kAdamW}) {
    const TrainOptions options{.optimizer = kind, .weight_decay = 0.01};
    FlatOptimizer optimizer(options, 5);
    std::vector<float> weights(5, 2.0F);
    for (int64_t t = 0; t < 10; ++t) {
      optimizer.step(weights, gradient_at(weights), {.learning_rate = 0.05, .momentum = 0.9}, t);
    }
    for (size_t i = 0; i < weights.size(); ++i) {
      // Ten steps of a few f32 roundings on numbers below 5: well under 1e-4.
      CHECK(weights[i] == doctest::Approx(reference(kind, i, 2.0, 0.05, 0.01)).epsilon(1e-4));
    }
  }
}

TEST_CASE("schedules start, peak and end where they say") {
  TrainOptions options{.epochs = 10, .learning_rate = 0.1};
  constexpr int64_t kSteps = 100;  // an epoch
  SUBCASE("constant") {
    options.schedule = LearningRateSchedule::kConstant;
    CHECK(rates_at(options, 0, kSteps).learning_rate == 0.1);
    CHECK(rates_at(options, 999, kSteps).learning_rate == 0.1);
  }
  SUBCASE("cosine") {
    options.schedule = LearningRateSchedule::kCosine;
    CHECK(rates_at(options, 0, kSteps).learning_rate == doctest::Approx(0.1));
    CHECK(rates_at(options, 500, kSteps).learning_rate == doctest::Approx(0.05));
    CHECK(rates_at(options, 999, kSteps).learning_rate < 1e-5);
  }
  SUBCASE("step") {
    options.schedule = LearningRateSchedule::kStep;
    options.step_epochs = 4;
    CHECK(rates_at(options, 399, kSteps).learning_rate == doctest::Approx(0.1));
    CHECK(rates_at(options, 400, kSteps).learning_rate == doctest::Approx(0.01));
    CHECK(rates_at(options, 800, kSteps).learning_rate == doctest::Approx(0.001));
  }
  SUBCASE("onecycle") {
    options.schedule = LearningRateSchedule::kOneCycle;
    CHECK(rates_at(options, 0, kSteps).learning_rate == doctest::Approx(0.1 / 25));
    CHECK(rates_at(options, 0, kSteps).momentum == doctest::Approx(0.95));
    CHECK(rates_at(options, 299, kSteps).learning_rate == doctest::Approx(0.1));
    CHECK(rates_at(options, 299, kSteps).momentum == doctest::Approx(0.85));
    CHECK(rates_at(options, 999, kSteps).learning_rate == doctest::Approx(0.1 / 25e4));
    CHECK(rates_at(options, 999, kSteps).momentum == doctest::Approx(0.95));
  }
}

TEST_CASE("a run of a single step has a finite rate under every schedule") {
  for (const auto schedule : {LearningRateSchedule::kConstant, LearningRateSchedule::kCosine,
                              LearningRateSchedule::kStep, LearningRateSchedule::kOneCycle}) {
    const TrainOptions options{.epochs = 1, .schedule = schedule};
    CHECK(std::isfinite(rates_at(options, 0, 1).learning_rate));
    CHECK(rates_at(options, 0, 1).learning_rate > 0);
  }
}

TEST_CASE("a match rule is read from the right, and a wrong one is refused") {
  const Match match = parse_match("stage1/out:r1=cosine*0.5");
  CHECK(match.teacher_value == "stage1/out");
  CHECK(match.student_value == "r1");
  CHECK(match.loss == MatchLoss::kCosine);
  CHECK(match.weight == 0.5);
  CHECK(parse_match("a:b=mse").weight == 1.0);
  for (const char* wrong : {"", "a:b", "a=mse", ":b=mse", "a:=mse", "a:b=l2", "a:b=mse*",
                            "a:b=mse*0", "a:b=mse*-1", "a:b=mse*nan", "a:b=mse*1x"}) {
    CHECK_THROWS_AS(parse_match(wrong), UsageError);
  }
}

TEST_CASE("training options without effect are refused") {
  const pass::Schema schema = training_options();
  CHECK_NOTHROW(
      check_training_options(pass::Options(schema, {{"schedule", "step"}, {"step_epochs", 3}})));
  CHECK_THROWS_AS(check_training_options(pass::Options(schema, {{"step_epochs", 3}})), UsageError);
  CHECK_THROWS_AS(
      check_training_options(pass::Options(schema, {{"optimizer", "adam"}, {"momentum", 0.5}})),
      UsageError);
  CHECK(train_options_from(pass::Options(schema, {{"optimizer", "adam"}}), 1, 1).learning_rate ==
        0.001);
}

}  // namespace pare::train
