// SPDX-License-Identifier: Apache-2.0
#include "prune/recovery.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "prune/passes.hpp"
#include "tests/pass/small_networks.hpp"

namespace pare::prune {
namespace {

// Stands in for the optimizer: every step moves every weight by a draw of its own, pruned ones too,
// and follows the protocol of train::WeightHook. `stop_at` cuts the run and starts it again from
// the weights alone, as a killed process would.
class DriftTrainer : public train::Trainer {
 public:
  train::TrainResult fit(const train::TrainPlan& plan) override {
    plans.push_back(plan);
    train::WeightHook hook = plan.weight_hook;
    std::map<std::string, std::vector<float>> values;
    for (const auto& [name, tensor] : plan.initial.parameters.entries())
      values[name] = ir::to_f32(tensor);
    std::map<std::string, std::span<float>> spans;
    for (auto& [name, v] : values) spans[name] = v;
    hook(0, kSteps, spans);
    for (int64_t step = 0; step < kSteps; ++step) {
      if (step == stop_at) {
        hook = restarted;
        hook(step, kSteps, spans);
      }
      for (auto& [name, span] : spans) {
        Rng rng(3, stream_of(name), static_cast<uint64_t>(step) << 32);
        for (float& w : span) w += 0.01F * rng.normal();
      }
      hook(step + 1, kSteps, spans);
      zeros_after.push_back(std::ranges::count(spans.at("conv2.weight"), 0.0F));
    }
    train::TrainResult result{.model = plan.initial};
    for (const auto& [name, tensor] : plan.initial.parameters.entries()) {
      result.model.parameters.set(name, ir::Tensor::f32(tensor.dims(), values[name]));
    }
    return result;
  }
  std::vector<int64_t> predict(const ir::Model&, const data::Dataset&, int) override { return {}; }

  static constexpr int64_t kSteps = 200;
  int64_t stop_at = -1;
  train::WeightHook restarted;
  std::vector<int64_t> zeros_after;
  std::vector<train::TrainPlan> plans;
};

pass::Context context_with(DriftTrainer& trainer) {
  pass::Context context;
  context.trainer = &trainer;
  context.train = tests::noise({2, 8, 8}, 20, 5);
  return context;
}

ir::Model recover(DriftTrainer& trainer, Json options) {
  options["epochs"] = 2;
  return tests::apply(passes().front(), tests::conv_network(), options, context_with(trainer));
}

TEST_CASE("the schedule is the cubic of Zhu and Gupta") {
  CHECK(cubic_sparsity(0.8, 0, 100) == 0.0);
  CHECK(cubic_sparsity(0.8, 50, 100) == doctest::Approx(0.8 * (1 - 0.125)));
  CHECK(cubic_sparsity(0.8, 100, 100) == 0.8);
  CHECK(cubic_sparsity(0.8, 150, 100) == 0.8);
  CHECK(cubic_sparsity(0.8, 0, 0) == 0.8);
}

TEST_CASE("sparsity grows over 70 % of the steps, then masks stay and the end is exact") {
  DriftTrainer trainer;
  const ir::Model result = recover(trainer, {{"sparsity", 0.6}, {"scope", "layer"}});
  const int64_t goal = std::llround(0.6 * 576);
  CHECK(std::ranges::is_sorted(trainer.zeros_after));
  CHECK(trainer.zeros_after[69] == std::llround(0.6 * 0.875 * 576));  // half way: 1 - 1/8
  CHECK(trainer.zeros_after[110] < goal);
  for (size_t step = 139; step < 200; ++step) CHECK(trainer.zeros_after[step] == goal);
  CHECK(std::ranges::count(ir::to_f32(result.parameters.at("conv2.weight")), 0.0F) == goal);
  CHECK(result.parameters.at("conv2.weight").is_sparse());
}

TEST_CASE("a run that starts again from its weights ends with the same bytes") {
  DriftTrainer whole;
  const ir::Bytes expected = tests::stored_bytes(recover(whole, {{"sparsity", 0.6}}));
  const ir::Model model = tests::conv_network();
  const pass::Options options(passes().front().options, {{"sparsity", 0.6}, {"epochs", 2}});
  for (const int64_t stop : {1, 77, 140, 199}) {
    DriftTrainer killed;
    killed.stop_at = stop;
    const auto fresh = std::make_shared<MaskSchedule>(model, resolve_targets(model, options), 1);
    killed.restarted = [fresh](int64_t step, int64_t total, auto& weights) {
      (*fresh)(step, total, weights);
    };
    CHECK(tests::stored_bytes(recover(killed, {{"sparsity", 0.6}})) == expected);
  }
}

TEST_CASE("2:4 is chosen before the first step and stays") {
  DriftTrainer trainer;
  const ir::Model result = recover(trainer, {{"pattern", "2:4"}});
  for (const int64_t zeros : trainer.zeros_after) CHECK(zeros == 288);
  CHECK(result.parameters.at("conv2.weight").layout().kind == ir::SparseKind::kNOfM);
}

TEST_CASE("recovery has its own defaults, and a teacher takes part with temperature and alpha") {
  DriftTrainer trainer;
  pass::Context context = context_with(trainer);
  context.teachers.push_back({.path = "t.pare", .sha256 = "abc", .model = tests::conv_network(2)});
  const Json options = {{"sparsity", 0.5}, {"epochs", 3}, {"alpha", 0.9}, {"batch_size", 64}};
  tests::apply(passes().front(), tests::conv_network(), options, context);
  const train::TrainPlan& plan = trainer.plans.front();
  CHECK(plan.options.epochs == 3);
  CHECK(plan.options.batch_size == 64);
  CHECK(plan.options.schedule == train::LearningRateSchedule::kCosine);
  REQUIRE(plan.distillation.has_value());
  CHECK(plan.distillation->alpha == 0.9);
  CHECK(plan.distillation->temperature == 4.0);
  CHECK(plan.distillation->teacher_hashes == std::vector<std::string>{"abc"});
}

TEST_CASE("a teacher without training, and its options without a teacher, are refused") {
  DriftTrainer trainer;
  pass::Context context = context_with(trainer);
  CHECK_THROWS_AS(tests::apply(passes().front(), tests::conv_network(),
                               {{"sparsity", 0.5}, {"epochs", 1}, {"temperature", 2.0}}, context),
                  UsageError);
  context.teachers.push_back({.model = tests::conv_network(2)});
  CHECK_THROWS_AS(
      tests::apply(passes().front(), tests::conv_network(), {{"sparsity", 0.5}}, context),
      UsageError);
}

}  // namespace
}  // namespace pare::prune
