// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/evaluate.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "lib/core/error.hpp"
#include "lib/eval/memory.hpp"
#include "lib/eval/weight_error.hpp"
#include "tests/eval/scratch.hpp"
#include "tests/eval/small_classifier.hpp"

namespace pare::eval {
namespace {

EvalOptions quick() {
  EvalOptions options;
  options.measure_latency = false;
  options.measure_memory = false;
  return options;
}

Candidate model_candidate(const std::string& name, const std::vector<float>& weights) {
  return {.name = name, .file_bytes = 4096, .model = linear_classifier(weights)};
}

class Warnings : public Progress {
 public:
  void warn(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST_CASE("models and predictions are compared with the first on the same items") {
  const auto data = small_dataset();
  std::vector<float> doubled = identity_weights();
  doubled[0] = 2;  // item 3 becomes right
  std::vector<Candidate> candidates;
  candidates.push_back(model_candidate("base", identity_weights()));
  candidates.push_back(model_candidate("better", doubled));
  Predictions phone;
  phone.items = 5;
  phone.predicted = {0, 0, 2, 1, 2};
  candidates.push_back({.name = "phone", .predictions = phone});
  const Report report = evaluate(std::move(candidates), data, quick());
  REQUIRE(report.candidates.size() == 3);
  CHECK(report.items == 5);
  CHECK(report.data_fingerprint == data.fingerprint());
  CHECK(report.candidates[0].metrics.correct == 4);
  CHECK_FALSE(report.candidates[0].comparison.has_value());
  CHECK(report.candidates[1].metrics.correct == 5);
  CHECK(report.candidates[1].comparison->gained == 1);
  CHECK(report.candidates[1].comparison->lost == 0);
  CHECK(report.candidates[2].from_predictions);
  CHECK(report.candidates[2].comparison->lost == 1);
  CHECK_FALSE(report.candidates[2].size.has_value());
  CHECK_FALSE(report.candidates[2].macs.has_value());
  CHECK(*report.candidates[0].macs == 9);
}

TEST_CASE("a model that states no preprocessing is warned about, on both ways out") {
  std::vector<Candidate> candidates;
  candidates.push_back(model_candidate("bare", identity_weights()));
  candidates[0].model->metadata.preprocessing = {};
  Warnings warnings;
  const Report report = evaluate(std::move(candidates), small_dataset(), quick(), warnings);
  REQUIRE(warnings.lines.size() == 1);
  CHECK(warnings.lines[0].find("bare: states no preprocessing") == 0);
  CHECK(report.warnings == warnings.lines);
}

TEST_CASE("an evaluation without latency and memory is a pure function of its inputs") {
  const auto run = [](int threads) {
    std::vector<Candidate> candidates;
    candidates.push_back(model_candidate("a", identity_weights()));
    candidates.push_back(model_candidate("b", {1, 1, 0, 0, 1, 0, 0, 0, 1}));
    EvalOptions options = quick();
    options.threads = threads;
    Report report = evaluate(std::move(candidates), small_dataset(), options);
    report.environment.threads = 0;
    return to_text(to_json(report));
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) == run(2));
}

TEST_CASE("latency is measured for models, with the base's ratio 1") {
  std::vector<Candidate> candidates;
  candidates.push_back(model_candidate("a", identity_weights()));
  candidates.push_back(model_candidate("b", identity_weights()));
  EvalOptions options = quick();
  options.measure_latency = true;
  options.latency = {
      .blocks = 3, .max_blocks = 3, .block_seconds = 0.0001, .warmup_seconds = 0.001};
  const Report report = evaluate(std::move(candidates), small_dataset(), options);
  REQUIRE(report.candidates[0].latency.has_value());
  CHECK(*report.candidates[0].latency->ratio == 1.0);
  CHECK(report.candidates[1].latency->runs >= 9);
  CHECK(report.candidates[1].latency->p50 <= report.candidates[1].latency->p99);
}

TEST_CASE(
    "every number of threads is timed with every number of items, the first is the headline") {
  std::vector<Candidate> candidates;
  candidates.push_back(model_candidate("a", identity_weights()));
  candidates.push_back(model_candidate("b", identity_weights()));
  EvalOptions options = quick();
  options.measure_latency = true;
  options.latency = {
      .blocks = 5, .max_blocks = 5, .block_seconds = 0.0001, .warmup_seconds = 0.001};
  options.latency_threads = {1, 2};
  options.latency_batches = {1, 7};  // more than there are items
  options.price_per_hour = 3.6;
  options.powercap = "/nowhere";
  const Report report = evaluate(std::move(candidates), small_dataset(), options);
  for (const CandidateReport& c : report.candidates) {
    REQUIRE(c.latency_grid.size() == 4);
    std::string cells;
    for (const LatencySummary& cell : c.latency_grid) {
      cells += std::to_string(cell.threads) + "x" + std::to_string(cell.batch) + " ";
      CHECK(cell.ratio.has_value());
      CHECK(cell.block_ratios.size() == 5);
      // 3.6 an hour are 0.001 a second.
      CHECK(*cell.cost_per_million == doctest::Approx(1000 / cell.items_per_second));
      CHECK_FALSE(cell.joules_per_item.has_value());
    }
    CHECK(cells == "1x1 2x1 1x7 2x7 ");
    CHECK(c.latency->p50 == c.latency_grid[0].p50);
  }
  CHECK(report.latency_conditions.size() == 4);
  CHECK(report.latency_conditions[3].batch == 7);
  CHECK_FALSE(report.energy_reason.empty());
  const Json json = to_json(report);
  CHECK(json["candidates"][1]["latency_grid"].size() == 4);
  CHECK(json["candidates"][1]["latency"] == json["candidates"][1]["latency_grid"][0]);
  CHECK(json["candidates"][0]["latency"]["joules_per_item"].is_null());
  CHECK(json["latency_conditions"][1]["threads"] == 2);
}

TEST_CASE("what changed in a layer's weights is measured against the base") {
  std::vector<Candidate> candidates;
  candidates.push_back(model_candidate("a", identity_weights()));
  candidates.push_back(model_candidate("same", identity_weights()));
  // One element of nine is 1 too large; the base's squares add up to 3.
  candidates.push_back(model_candidate("other", {1, 1, 0, 0, 1, 0, 0, 0, 1}));
  const Report report = evaluate(std::move(candidates), small_dataset(), quick());
  const auto layer = [&](size_t i) { return report.candidates[i].size->layers[0]; };
  CHECK_FALSE(layer(0).weight_error.has_value());
  CHECK(layer(0).no_weight_error.empty());
  CHECK_FALSE(layer(1).weight_error->sqnr_db().has_value());
  CHECK(*layer(2).weight_error->sqnr_db() == doctest::Approx(10 * std::log10(3.0)));
  CHECK(layer(2).weight_error->relative_rms() == doctest::Approx(std::sqrt(1.0 / 3.0)));
}

TEST_CASE("layers that do not correspond have a reason and no error") {
  const auto reason = [](ir::Model base, ir::Model candidate) {
    std::vector<LayerSize> layers{{.name = "fc"}};
    add_weight_errors(base, candidate, layers);
    CHECK_FALSE(layers[0].weight_error.has_value());
    return layers[0].no_weight_error;
  };
  const auto entry = [](uint64_t seed) {
    return ir::HistoryEntry{
        .pass = "train", .options = Json::object(), .seed = seed, .inputs = Json::object()};
  };
  ir::Model base = linear_classifier(identity_weights());
  ir::Model apart = base;
  base.metadata.history = {entry(1)};
  apart.metadata.history = {entry(2)};
  CHECK(reason(base, apart) == "trained apart from the base");
  ir::Model shaped = linear_classifier(identity_weights());
  shaped.parameters.set("fc.weight", ir::Tensor::f32({1, 3}, std::vector<float>(3, 1.0F)));
  CHECK(reason(base, shaped) == "the base's weights have another shape");
  ir::Model zeros = linear_classifier(std::vector<float>(9, 0.0F));
  CHECK(reason(zeros, base) == "the base's weights are all zero or not finite");
}

TEST_CASE("the parts of a file's size add up to the file") {
  ir::Model model = linear_classifier(identity_weights());
  std::vector<int8_t> codes(32, 0);
  codes[3] = 5;
  codes[7] = -127;
  const float scales[4] = {0.5F, 0.25F, 1.0F, 2.0F};
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, ir::Tensor::of<int8_t>(ir::DType::kI8, {4, 8}, codes));
  parts.set(ir::Part::kScales, ir::Tensor::f32({4}, scales));
  model.parameters.set("q.weight",
                       ir::Tensor::composite({4, 8}, ir::QuantScheme{.axis = 0}, {}, parts));
  const SizeReport size = measure_size(model, 1000);
  // Plain: 9 weights and 3 biases of 4 bytes; quantized: 32 codes, 4 scales of 4 bytes.
  CHECK(size.breakdown->codes == 48 + 32);
  CHECK(size.breakdown->scales == 16);
  CHECK(size.breakdown->indices == 0);
  CHECK(size.breakdown->total() == 1000);
  CHECK(size.parameters == 9 + 3 + 32);
  CHECK(size.bits_per_weight == doctest::Approx(8.0 * 96.0 / 44.0));
  // Weights: six zeros of nine, thirty of 32; biases are not weights.
  CHECK(size.sparsity == doctest::Approx(36.0 / 41.0));
  REQUIRE(size.layers.size() == 2);
  CHECK(size.layers[0].name == "fc");
  CHECK(size.layers[1].storage == "i8 per channel");
  CHECK(size.layers[1].bytes == 48);
  // A file that is smaller than its tensors compresses them: no split is claimed.
  CHECK_FALSE(measure_size(model, 50).breakdown.has_value());
}

TEST_CASE("a bitmask's bytes are indices") {
  const float kept[3] = {1, 2, 3};
  const uint8_t mask[2] = {0b00010011, 0};
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, ir::Tensor::f32({3}, kept));
  parts.set(ir::Part::kMask, ir::Tensor::of<uint8_t>(ir::DType::kU8, {2}, mask));
  ir::Model model;
  model.parameters.set(
      "w", ir::Tensor::composite({2, 8}, std::nullopt, {.kind = ir::SparseKind::kBitmask}, parts));
  const SizeReport size = measure_size(model, 14);
  CHECK(size.breakdown->codes == 12);
  CHECK(size.breakdown->indices == 2);
  CHECK(size.breakdown->container == 0);
  CHECK(size.sparsity == doctest::Approx(13.0 / 16.0));
  CHECK(size.layers[0].storage == "f32, bitmask");
}

TEST_CASE("peak memory is read from the child and its absence explained") {
  const Scratch scratch;
  const auto script = [&](const std::string& body) {
    const std::string path = scratch.write("infer", "#!/bin/sh\n" + body);
    chmod(path.c_str(), 0755);
    return path;
  };
  const auto good = measure_peak_memory(
      script("test \"$1 $2 $3\" = 'm.pare --input zeros' && echo '{\"peak_rss_kb\": 1234}'\n"),
      "m.pare");
  CHECK(good.bytes == 1234 * 1024);
  CHECK(measure_peak_memory(script("exit 1\n"), "m.pare").reason == "pare-infer failed");
  CHECK_FALSE(measure_peak_memory(script("echo nonsense\n"), "m.pare").bytes.has_value());
  CHECK_FALSE(measure_peak_memory(script("echo '{}'\n"), "m.pare").bytes.has_value());
  CHECK(measure_peak_memory(script("exec sleep 60\n"), "m.pare", 0.2).reason ==
        "pare-infer took too long");
  CHECK_FALSE(measure_peak_memory("", "m.pare").reason.empty());
  CHECK_FALSE(measure_peak_memory(scratch.file("absent"), "m.pare").reason.empty());
}

}  // namespace
}  // namespace pare::eval
