// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/train/torch_trainer.hpp"
#include "tests/train/tasks.hpp"

namespace pare::train {

using test::all_weights;
using test::glyphs;
using test::plan_for;

TEST_CASE("a small perceptron learns the glyphs well beyond chance") {
  const auto data = glyphs(2000);
  TrainPlan plan = plan_for("mlp:784-64-10", data);
  plan.options.epochs = 6;
  const auto trainer = make_torch_trainer();
  const TrainResult result = trainer->fit(plan);
  CHECK(result.epochs_run == 6);
  REQUIRE(result.curve.size() == 6);
  const double first_loss = result.curve.front().at("loss").get<double>();
  CHECK(result.curve.back().at("loss").get<double>() < first_loss / 2);
  // Chance is 0.1; a hidden layer on 2,000 items reaches about half.
  CHECK(result.validation_accuracy > 0.4);
  const auto predictions = trainer->predict(result.model, *data.test, 1);
  int64_t right = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    right += predictions[i] == data.test->label(static_cast<int64_t>(i)) ? 1 : 0;
  }
  CHECK(right > 70);  // of 200; chance: 20 +- 4
}

TEST_CASE("a convolutional network with batch normalization learns and moves its statistics") {
  const auto data = glyphs(600);
  TrainPlan plan = plan_for("resnet8:width=4", data);
  plan.options.augmentation = {.shift = 1, .seed = 11};
  const TrainResult result = make_torch_trainer()->fit(plan);
  CHECK(result.curve.back().at("loss").get<double>() <
        result.curve.front().at("loss").get<double>());
  CHECK(std::ranges::all_of(all_weights(result.model), [](float w) { return std::isfinite(w); }));
}

TEST_CASE("the same run gives the same bytes, and another seed others") {
  const auto data = glyphs(300);
  TrainPlan plan = plan_for("resnet8:width=4", data);
  plan.options.augmentation = {.shift = 2, .seed = 11};
  plan.options.threads = 2;
  const auto trainer = make_torch_trainer();
  const auto first = all_weights(trainer->fit(plan).model);
  CHECK(all_weights(trainer->fit(plan).model) == first);
  plan.options.seed = 12;
  CHECK(all_weights(trainer->fit(plan).model) != first);
}

TEST_CASE("every optimizer and label smoothing lower the loss") {
  const auto data = glyphs(400);
  const auto trainer = make_torch_trainer();
  for (const Optimizer kind : {Optimizer::kSgd, Optimizer::kAdam, Optimizer::kAdamW}) {
    TrainPlan plan = plan_for("mlp:784-32-10", data);
    plan.options.optimizer = kind;
    plan.options.learning_rate = kind == Optimizer::kSgd ? 0.05 : 0.002;
    plan.options.label_smoothing = 0.1;
    plan.options.epochs = 3;
    const TrainResult result = trainer->fit(plan);
    CHECK(result.curve.back().at("loss").get<double>() <
          result.curve.front().at("loss").get<double>());
  }
}

TEST_CASE("a weight hook holds after every step and the last epoch is kept") {
  const auto data = glyphs(200);
  TrainPlan plan = plan_for("mlp:784-16-10", data);
  std::string pruned;
  for (const auto& entry : plan.initial.parameters.entries()) {
    if (entry.tensor.dims().size() == 2 && pruned.empty()) pruned = entry.name;
  }
  std::vector<int64_t> steps;
  plan.weight_hook = [&](int64_t step, int64_t total, auto& weights) {
    CHECK(step <= total);
    steps.push_back(step);
    auto& values = weights.at(pruned);
    for (size_t i = 0; i < values.size(); i += 2) values[i] = 0;
  };
  const TrainResult result = make_torch_trainer()->fit(plan);
  CHECK(result.best_epoch == 2);
  for (size_t i = 0; i < steps.size(); ++i) CHECK(steps[i] == static_cast<int64_t>(i));
  const auto values = ir::to_f32(result.model.parameters.at(pruned));
  for (size_t i = 0; i < values.size(); i += 2) CHECK(values[i] == 0.0F);
  CHECK(std::ranges::any_of(values, [](float v) { return v != 0; }));
}

TEST_CASE("patience ends a run that no longer improves") {
  const auto data = glyphs(200);
  TrainPlan plan = plan_for("mlp:784-16-10", data);
  plan.options.epochs = 40;
  plan.options.learning_rate = 1e-9;  // nothing can improve
  plan.options.patience = 2;
  CHECK(make_torch_trainer()->fit(plan).epochs_run == 3);
}

TEST_CASE("a model whose classes are not the data's is refused") {
  const auto data = glyphs(100);
  TrainPlan plan = plan_for("mlp:784-16-10", data);
  plan.initial =
      ready_for_data(ir::build_architecture("mlp:784-16-7", {784}, 7), data.train->info());
  CHECK_THROWS_WITH_AS(make_torch_trainer()->fit(plan), doctest::Contains("10 classes"), Error);
}

TEST_CASE("a learning rate that explodes ends in an error that says so") {
  const auto data = glyphs(300);
  TrainPlan plan = plan_for("mlp:784-64-64-10", data);
  plan.options.learning_rate = 1e30;
  plan.options.schedule = LearningRateSchedule::kConstant;
  CHECK_THROWS_WITH_AS(make_torch_trainer()->fit(plan), doctest::Contains("--learning-rate"),
                       Error);
}

}  // namespace pare::train
