// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/sparse.hpp"
#include "prune/passes.hpp"
#include "tests/pass/small_networks.hpp"

namespace pare::prune {
namespace {

const pass::PassInfo& prune_pass() { return passes().front(); }

ir::Model prune(const ir::Model& model, const Json& options, pass::Context context = {}) {
  return tests::apply(prune_pass(), model, options, context);
}

int64_t zeros(const ir::Tensor& tensor) {
  const auto values = ir::to_f32(tensor);
  return std::ranges::count(values, 0.0F);
}

const std::vector<std::string> kWeights = {"conv1.weight", "conv2.weight", "conv3.weight",
                                           "fc.weight"};

int64_t all_zeros(const ir::Model& model) {
  int64_t sum = 0;
  for (const auto& name : kWeights) sum += zeros(model.parameters.at(name));
  return sum;
}

constexpr int64_t kAllWeights = 144 + 576 + 72 + 40;

std::string error_of(const ir::Model& model, const Json& options) {
  try {
    prune(model, options);
  } catch (const Error& e) {
    return e.subject() + ": " + e.fact();
  }
  return "no error";
}

TEST_CASE("global sparsity is exact to the element") {
  const ir::Model model = tests::conv_network();
  for (const double sparsity : {0.001, 0.3, 0.5, 0.7, 0.95}) {
    const ir::Model result = prune(model, {{"sparsity", sparsity}});
    CHECK(all_zeros(result) == std::llround(sparsity * kAllWeights));
  }
}

TEST_CASE("layer scope gives every layer the sparsity") {
  const ir::Model result = prune(tests::conv_network(), {{"sparsity", 0.6}, {"scope", "layer"}});
  for (const auto& name : kWeights) {
    const ir::Tensor& tensor = result.parameters.at(name);
    CHECK(zeros(tensor) == std::llround(0.6 * static_cast<double>(tensor.count())));
  }
}

TEST_CASE("kept weights keep their values, biases and normalization are untouched") {
  const ir::Model model = tests::conv_network();
  const ir::Model result = prune(model, {{"sparsity", 0.7}});
  for (const auto& [name, before] : model.parameters.entries()) {
    const auto a = ir::to_f32(before), b = ir::to_f32(result.parameters.at(name));
    const bool weight = std::ranges::find(kWeights, name) != kWeights.end();
    for (size_t i = 0; i < a.size(); ++i) CHECK((b[i] == a[i] || (weight && b[i] == 0.0F)));
  }
}

TEST_CASE("sparsity 0 is a copy") {
  const ir::Model model = tests::conv_network();
  const ir::Model result = prune(model, {{"sparsity", 0.0}});
  CHECK(tests::stored_bytes(result) == tests::stored_bytes(model));
}

TEST_CASE("the result is the same bytes for any number of threads") {
  const ir::Model model = tests::conv_network();
  const ir::Bytes one = tests::stored_bytes(prune(model, {{"sparsity", 0.7}}));
  for (const int threads : {2, 8}) {
    CHECK(tests::stored_bytes(prune(model, {{"sparsity", 0.7}}, {.threads = threads})) == one);
  }
}

TEST_CASE("weights are stored sparse when that is smaller, and the log says which") {
  tests::RecordingProgress progress;
  const ir::Model model = tests::conv_network();
  const ir::Model sparse =
      prune(model, {{"sparsity", 0.7}, {"scope", "layer"}}, {.progress = &progress});
  const ir::Tensor& weight = sparse.parameters.at("conv2.weight");
  CHECK(weight.layout().kind == ir::SparseKind::kBitmask);
  CHECK(weight.stored_elements() == 173);  // 576 - round(0.7 * 576)
  CHECK(weight.stored_bytes() == 576 / 8 + 173 * 4);
  CHECK(tests::RecordingProgress::any_with(progress.lines,
                                           "conv2.weight: 69.97 % zero, stored bitmask"));
  // One zero of 576 saves four bytes and would cost a mask of 72.
  const ir::Model dense =
      prune(model, {{"sparsity", 1.0 / 576}, {"scope", "layer"}}, {.progress = &progress});
  CHECK(dense.parameters.at("conv2.weight").is_plain());
  CHECK(tests::RecordingProgress::any_with(progress.lines, "stored dense"));
}

TEST_CASE("2:4 leaves at most two of every four along a row") {
  const ir::Model result = prune(tests::conv_network(), {{"pattern", "2:4"}});
  const ir::Tensor& weight = result.parameters.at("conv2.weight");
  CHECK(weight.layout().kind == ir::SparseKind::kNOfM);
  const auto values = ir::to_f32(weight);
  for (size_t i = 0; i < values.size(); i += 4) {
    CHECK(std::count(values.begin() + static_cast<long>(i),
                     values.begin() + static_cast<long>(i) + 4, 0.0F) == 2);
  }
}

TEST_CASE("2:4 groups a Gemm along its reduction") {
  const ir::Model model = tests::matmul_network();
  const ir::Model result = prune(model, {{"pattern", "2:4"}});
  const ir::Tensor& weight = result.parameters.at("w");
  CHECK(weight.dims() == ir::Dims{6, 10});  // was [10, 6]
  CHECK(ir::attr_int(result.main().nodes().back(), "transB", 0) == 1);
  const auto before = ir::to_f32(model.parameters.at("w")), after = ir::to_f32(weight);
  for (size_t o = 0; o < 6; ++o) {
    for (size_t i = 0; i < 10; ++i) {
      CHECK((after[o * 10 + i] == 0.0F || after[o * 10 + i] == before[i * 6 + o]));
    }
    CHECK(std::count(after.begin() + static_cast<long>(o * 10),
                     after.begin() + static_cast<long>(o * 10) + 8, 0.0F) == 4);
  }
}

TEST_CASE("excluded layers stay and layer rules replace the sparsity") {
  const ir::Model model = tests::conv_network();
  const ir::Model result = prune(model, {{"sparsity", 0.5},
                                         {"exclude", {"conv1*"}},
                                         {"layer", {"fc=sparsity:0.8", "*3.weight=sparsity:0"}}});
  CHECK(zeros(result.parameters.at("conv1.weight")) == 0);
  CHECK(zeros(result.parameters.at("fc.weight")) == 32);
  CHECK(zeros(result.parameters.at("conv3.weight")) == 0);
  CHECK(zeros(result.parameters.at("conv2.weight")) == 288);
}

TEST_CASE("pruning a pruned model further keeps the earlier zeros") {
  const ir::Model once = prune(tests::conv_network(), {{"sparsity", 0.5}});
  const ir::Model twice = prune(once, {{"sparsity", 0.8}});
  CHECK(all_zeros(twice) == std::llround(0.8 * kAllWeights));
  for (const auto& name : kWeights) {
    const auto a = ir::to_f32(once.parameters.at(name)), b = ir::to_f32(twice.parameters.at(name));
    for (size_t i = 0; i < a.size(); ++i) CHECK((a[i] != 0.0F || b[i] == 0.0F));
  }
  CHECK(all_zeros(prune(twice, {{"sparsity", 0.1}})) == all_zeros(twice));
}

TEST_CASE("a layer that loses every weight is warned about") {
  tests::RecordingProgress progress;
  ir::Model model = tests::conv_network();
  model.parameters.set("fc.weight", ir::Tensor::f32({5, 8}, tests::random_values(40, 3, 1e-6F)));
  prune(model, {{"sparsity", 0.5}}, {.progress = &progress});
  CHECK(tests::RecordingProgress::any_with(progress.warnings,
                                           "fc.weight: every weight of this layer"));
}

TEST_CASE("16-bit weights stay 16-bit") {
  ir::Model model = tests::conv_network();
  std::vector<uint16_t> halves;
  for (const float v : ir::to_f32(model.parameters.at("conv2.weight")))
    halves.push_back(ir::f32_to_f16(v));
  model.parameters.set("conv2.weight",
                       ir::Tensor::of<uint16_t>(ir::DType::kF16, {8, 8, 3, 3}, halves));
  model.graphs.front().value(model.main().find("conv2.weight")).dtype = ir::DType::kF16;
  const ir::Model result = prune(model, {{"sparsity", 0.5}, {"scope", "layer"}});
  CHECK(result.parameters.at("conv2.weight").stored_bytes() == 72 + 288 * 2);
}

TEST_CASE("NaN and infinite weights are refused by name") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    ir::Model model = tests::conv_network();
    auto values = ir::to_f32(model.parameters.at("conv2.weight"));
    values[7] = bad;
    model.parameters.set("conv2.weight", ir::Tensor::f32({8, 8, 3, 3}, values));
    CHECK(error_of(model, {{"sparsity", 0.5}}) == "conv2.weight: holds NaN or Inf");
    CHECK(error_of(model, {{"pattern", "2:4"}}) == "conv2.weight: holds NaN or Inf");
  }
}

TEST_CASE("wrong arguments are usage errors") {
  const ir::Model model = tests::conv_network();
  for (const double sparsity : {1.0, 1.5, -0.1}) {
    CHECK_THROWS_AS(prune(model, {{"sparsity", sparsity}}), UsageError);
  }
  CHECK_THROWS_AS(prune(model, Json::object()), UsageError);
  CHECK_THROWS_AS(prune(model, {{"sparsity", 0.5}, {"pattern", "2:4"}}), UsageError);
  CHECK_THROWS_AS(prune(model, {{"scope", "layer"}, {"pattern", "2:4"}}), UsageError);
  CHECK_THROWS_AS(prune(model, {{"sparsity", 0.5}, {"layer", {"fc=bits:8"}}}), UsageError);
  CHECK_THROWS_AS(prune(model, {{"sparsity", 0.5}, {"layer", {"fc=sparsity:1"}}}), UsageError);
  CHECK_THROWS_AS(prune(model, {{"sparsity", 0.5}, {"layer", {"fc=sparsity:nan"}}}), UsageError);
  CHECK_THROWS_AS(prune(model, {{"sparsity", 0.5}, {"learning_rate", 0.1}}), UsageError);
  CHECK_THROWS_AS(prune(model, {{"sparsity", 0.5}, {"alpha", 0.5}}), UsageError);
}

TEST_CASE("a pattern that matches nothing is an error") {
  const ir::Model model = tests::conv_network();
  CHECK(error_of(model, {{"sparsity", 0.5}, {"exclude", {"layer9*"}}}) ==
        "--exclude layer9*: matches no layer with weights");
  CHECK(error_of(model, {{"sparsity", 0.5}, {"layer", {"conv9=sparsity:0.1"}}}) ==
        "--layer conv9: matches no layer with weights");
  CHECK(error_of(model, {{"sparsity", 0.5}, {"exclude", {"*"}}}) ==
        "model: has no weights to prune");
}

TEST_CASE("a file of weights without a graph is pruned by name") {
  ir::Model model = tests::conv_network();
  model.graphs.clear();
  const ir::Model result = prune(model, {{"sparsity", 0.7}});
  CHECK(all_zeros(result) == std::llround(0.7 * kAllWeights));
}

}  // namespace
}  // namespace pare::prune
