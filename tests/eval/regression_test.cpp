// SPDX-License-Identifier: Apache-2.0
// Errors of predicted numbers against definitions written out, their intervals against jackknives,
// and models of one and of several outputs through the evaluator.
#include "lib/eval/regression.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/eval/evaluate.hpp"
#include "lib/ir/ops.hpp"

namespace pare::eval {
namespace {

struct Sample {
  std::vector<float> predicted, truth;
};

Sample sample_of(size_t items, size_t width, uint64_t seed) {
  Rng rng(seed);
  Sample out;
  for (size_t i = 0; i < items * width; ++i) {
    out.truth.push_back(rng.normal());
    out.predicted.push_back(out.truth.back() + 0.4F * rng.normal());
  }
  return out;
}

TEST_CASE("errors of four numbers agree with a computation by hand") {
  const std::vector<float> truth{1, 2, 3, 6};
  const std::vector<float> predicted{1, 3, 3, 4};
  const RegressionReport report =
      measure_regression(predicted, truth, std::vector<std::string>{"y"});
  CHECK(report.all.mae == 0.75);
  CHECK(report.all.rmse == doctest::Approx(std::sqrt(1.25)).epsilon(1e-14));
  // Deviations of the truth from 3: 4 + 1 + 0 + 9 = 14; squared errors 5.
  CHECK(*report.all.r2 == doctest::Approx(1.0 - 5.0 / 14.0).epsilon(1e-14));
}

TEST_CASE("several targets average their R2 and pool their errors") {
  const std::vector<float> truth{1, 10, 3, 30};
  const std::vector<float> predicted{1, 10, 3, 20};
  const std::vector<std::string> names{"a", "b"};
  const RegressionReport report = measure_regression(predicted, truth, names);
  CHECK(report.all.mae == 2.5);
  CHECK(*report.targets[0].r2 == 1.0);
  CHECK(*report.targets[1].r2 == 0.5);
  CHECK(*report.all.r2 == 0.75);
  CHECK(report.targets[1].mae == 5.0);
}

TEST_CASE("a target that never varies has no R2") {
  const std::vector<float> truth{2, 2, 2};
  CHECK_FALSE(estimate_regression(truth, truth, 1).r2.has_value());
}

TEST_CASE("standard errors agree with the jackknife") {
  const size_t n = 250;
  const Sample s = sample_of(n, 2, 5);
  const RegressionEstimates all = estimate_regression(s.predicted, s.truth, 2);
  std::vector<double> rmse, r2;
  for (size_t left = 0; left < n; ++left) {
    Sample part = s;
    const auto at = static_cast<std::ptrdiff_t>(2 * left);
    part.truth.erase(part.truth.begin() + at, part.truth.begin() + at + 2);
    part.predicted.erase(part.predicted.begin() + at, part.predicted.begin() + at + 2);
    const RegressionEstimates one = estimate_regression(part.predicted, part.truth, 2);
    rmse.push_back(one.rmse.value);
    r2.push_back(one.r2->value);
  }
  const auto jackknife = [&](const std::vector<double>& values) {
    double mean = 0.0, squares = 0.0;
    for (const double value : values) mean += value / static_cast<double>(n);
    for (const double value : values) squares += (value - mean) * (value - mean);
    return std::sqrt(squares * static_cast<double>(n - 1) / static_cast<double>(n));
  };
  const auto error_of = [](const Estimate& estimate) {
    return std::get<MeanOfItems>(figure_of("x", estimate).spread).standard_error;
  };
  // The two differ by terms of relative order 1/n with n = 250 and a constant of a few.
  CHECK(error_of(all.rmse) == doctest::Approx(jackknife(rmse)).epsilon(0.03));
  CHECK(error_of(*all.r2) == doctest::Approx(jackknife(r2)).epsilon(0.03));
}

// Items {i, 1}, to predict {i, 2 i}.
class Line : public data::Dataset {
 public:
  explicit Line(int64_t size) : size_(size) {
    info_.source = "line";
    info_.item = {2};
    info_.targets = {"once", "twice"};
    for (int64_t i = 0; i < size; ++i) {
      targets_.push_back(static_cast<float>(i));
      targets_.push_back(static_cast<float>(2 * i));
    }
  }
  const data::DatasetInfo& info() const override { return info_; }
  int64_t size() const override { return size_; }
  void read(int64_t index, std::span<float> out) const override {
    out[0] = static_cast<float>(index);
    out[1] = 1.0F;
  }
  int64_t label(int64_t) const override { return 0; }
  std::span<const float> targets(int64_t index) const override {
    return std::span(targets_).subspan(static_cast<size_t>(2 * index), 2);
  }
  std::string fingerprint() const override { return "0123456789abcdef"; }

 private:
  int64_t size_;
  data::DatasetInfo info_;
  std::vector<float> targets_;
};

// Two outputs of one number each: `once` x0 and `twice` x0.
ir::Model two_heads(float once, float twice) {
  ir::Model model;
  ir::Graph graph;
  const ir::ValueId x = graph.add_input("x", {ir::Dim("batch"), ir::Dim(2)});
  for (const auto& [name, slope] :
       {std::pair<std::string, float>{"once", once}, {"twice", twice}}) {
    const float weight[2] = {slope, 0.0F};
    const float bias[1] = {0.0F};
    model.parameters.set(name + ".weight", ir::Tensor::f32({1, 2}, weight));
    model.parameters.set(name + ".bias", ir::Tensor::f32({1}, bias));
    const ir::ValueId w = graph.add_parameter(name + ".weight", ir::DType::kF32, {1, 2});
    const ir::ValueId b = graph.add_parameter(name + ".bias", ir::DType::kF32, {1});
    graph.outputs.push_back(graph.add("Gemm", {x, w, b}, {{"transB", int64_t{1}}}, name));
  }
  model.graphs.push_back(std::move(graph));
  ir::infer_shapes(model, model.main());
  model.metadata.preprocessing = {.stated = true, .size = {2}};
  ir::verify(model);
  return model;
}

Report evaluated(const data::Dataset& data, float slope) {
  std::vector<Candidate> candidates;
  candidates.push_back({.name = "base", .file_bytes = 100, .model = two_heads(1, 2)});
  candidates.push_back({.name = "other", .file_bytes = 50, .model = two_heads(1, slope)});
  EvalOptions options;
  options.measure_latency = options.measure_memory = false;
  return evaluate(std::move(candidates), data, options);
}

TEST_CASE("a model with several outputs is judged by its errors") {
  const Report report = evaluated(Line(100), 2.5F);
  CHECK(report.task == Task::kRegression);
  CHECK(report.candidates[0].regression->all.mae == 0.0);
  CHECK(*report.candidates[0].regression->all.r2 == 1.0);
  // |2.5 i - 2 i| = i / 2, mean over 0 to 99 is 24.75, over both targets half of it.
  CHECK(report.candidates[1].regression->all.mae == doctest::Approx(12.375).epsilon(1e-12));
  const auto verdicts = judge(parse_budget(R"({"mae_rise": 5, "r2": 0.9})", "b.json"), report.task,
                              report.candidates[1].figures);
  CHECK(verdicts[0].verdict == Verdict::kFail);
  const std::string text = to_terminal(report, {});
  CHECK(text.find("100 items of line (0123456789ab), 2 targets") != std::string::npos);
  CHECK(text.find("mean absolute error rises by 12.37500") != std::string::npos);
  CHECK(to_json(report)["candidates"][1]["accuracy"].is_null());
  CHECK(to_json(report)["candidates"][1]["regression"]["targets"][1]["name"] == "twice");
  CHECK(to_html(report).find("R²") != std::string::npos);
}

TEST_CASE("few items decide nothing about errors") {
  const Report report = evaluated(Line(10), 2.0F);
  const auto verdicts = judge(parse_budget(R"({"mae_rise": 5})", "b.json"), report.task,
                              report.candidates[1].figures);
  CHECK(verdicts[0].verdict == Verdict::kInconclusive);
}

TEST_CASE("outputs that do not fit the targets are refused") {
  std::vector<Candidate> candidates;
  candidates.push_back({.name = "base", .path = "b.pare", .model = two_heads(1, 2)});
  candidates[0].model->main().outputs.pop_back();
  CHECK_THROWS_WITH_AS(evaluate(std::move(candidates), Line(5), {}),
                       doctest::Contains("gives 1 numbers an item, the data has 2 to predict"),
                       Error);
}

}  // namespace
}  // namespace pare::eval
