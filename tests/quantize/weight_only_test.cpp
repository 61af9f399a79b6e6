// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/runtime/session.hpp"
#include "prune/passes.hpp"
#include "quantize/edge_layers.hpp"
#include "quantize/passes.hpp"
#include "tests/pass/small_networks.hpp"
#include "tests/quantize/relative_difference.hpp"

namespace pare::quantize {
namespace {

ir::Model quantize(const ir::Model& model, const Json& options, pass::Context context = {}) {
  return tests::apply(passes().front(), model, options, context);
}

std::string error_of(const ir::Model& model, const Json& options) {
  try {
    quantize(model, options);
  } catch (const Error& e) {
    return e.subject() + ": " + e.fact();
  }
  return "no error";
}

// Largest |before - after| of each group in units of its scale.
double worst_in_scales(const ir::Tensor& before, const ir::Tensor& after) {
  const auto a = ir::to_f32(before), b = ir::to_f32(after);
  const auto scales = ir::to_f32(*after.part(ir::Part::kScales));
  const ir::GroupGeometry g = ir::groups_of(after.dims(), *after.scheme());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / g.inner % g.rows;
    const int64_t column =
        g.rows * g.inner == after.count() ? static_cast<int64_t>(i) % g.columns : 0;
    const auto group =
        static_cast<size_t>(row * g.groups_per_row + column / std::max<int64_t>(1, g.group_size));
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]) / scales[group]);
  }
  return worst;
}

TEST_CASE("w8a16 stores one byte a weight, off by at most half a scale of its channel") {
  const ir::Model model = tests::matmul_network();
  for (const Json& options :
       {Json{{"bits", 8}}, Json{{"scheme", "w8a16"}, {"granularity", "tensor"}},
        Json{{"bits", 8}, {"asymmetric", true}}, Json{{"bits", 8}, {"group_size", 8}}}) {
    const ir::Model result = quantize(model, options);
    for (const char* name : {"a", "w"}) {
      const ir::Tensor& after = result.parameters.at(name);
      CHECK(after.part(ir::Part::kCodes)->stored_bytes() == after.count());
      ir::Tensor before = model.parameters.at(name);
      if (after.dims() != before.dims()) {  // groups: transposed to output rows
        const auto values = ir::to_f32(before);
        std::vector<float> turned(values.size());
        const auto rows = static_cast<size_t>(before.dims()[0]),
                   columns = static_cast<size_t>(before.dims()[1]);
        for (size_t i = 0; i < values.size(); ++i)
          turned[i % columns * rows + i / columns] = values[i];
        before = ir::Tensor::f32(after.dims(), turned);
      }
      CHECK(worst_in_scales(before, after) <= 0.5 + 255 * 0x1p-22);
    }
  }
}

TEST_CASE("w4a16 groups along the row with a tail group, two weights a byte") {
  const ir::Model result = quantize(tests::conv_network(), {{"bits", 4}});
  const ir::Tensor& weight = result.parameters.at("conv2.weight");  // rows of 72: groups 32, 32, 8
  CHECK(weight.scheme()->code == ir::DType::kI4);
  CHECK(weight.scheme()->group_size == 32);
  CHECK(weight.part(ir::Part::kScales)->count() == 8 * 3);
  CHECK(weight.part(ir::Part::kCodes)->stored_bytes() == 576 / 2);
}

TEST_CASE("searched scales of w4a16 have a smaller squared error than covering ones") {
  const ir::Model model = tests::matmul_network();
  const ir::Tensor after =
      quantize(model, {{"bits", 4}, {"granularity", "channel"}}).parameters.at("w");
  const auto a = ir::to_f32(model.parameters.at("w")), b = ir::to_f32(after);
  double searched = 0, covered = 0;
  const bool turned = after.dims() != model.parameters.at("w").dims();
  REQUIRE(!turned);  // per-channel scales need no rows
  for (size_t c = 0; c < 6; ++c) {
    float largest = 0;
    for (size_t r = 0; r < 10; ++r) largest = std::max(largest, std::abs(a[r * 6 + c]));
    const double scale = largest / 7.0;
    for (size_t r = 0; r < 10; ++r) {
      const double x = a[r * 6 + c], off = x - scale * std::nearbyint(x / scale);
      covered += off * off;
      searched += (x - b[r * 6 + c]) * (x - b[r * 6 + c]);
    }
  }
  CHECK(searched < covered);
}

TEST_CASE("4-bit scales that cover the range round every weight to nearest") {
  const ir::Model model = tests::matmul_network();
  const ir::Tensor& before = model.parameters.at("w");
  const auto after = [&](int bits, const char* scales) {
    return quantize(model, {{"bits", bits}, {"granularity", "channel"}, {"weight_scales", scales}})
        .parameters.at("w");
  };
  // A scale stored as f16 is off by 2^-11 of itself, which 7 steps away is 7 * 2^-11 scales.
  CHECK(worst_in_scales(before, after(4, "range")) <= 0.5 + 8 * 0x1p-11);
  const auto squared_error = [&](const ir::Tensor& tensor) {
    const auto a = ir::to_f32(before), b = ir::to_f32(tensor);
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
  };
  CHECK(squared_error(after(8, "mse")) < squared_error(after(8, "range")));
}

TEST_CASE("a model computes nearly the same with weight codes") {
  for (const ir::Model& model : {tests::conv_network(), tests::matmul_network()}) {
    for (const auto& [options, tolerance] :
         {std::pair{Json{{"bits", 8}}, 0.03}, {Json{{"bits", 4}}, 0.4}}) {
      const ir::Model result = quantize(model, options);
      // Relative noise a layer is below 1/127/sqrt(3) at 8 bits and 1/7/sqrt(3) at 4, over 3-4
      // layers.
      CHECK(relative_difference(model, result) < tolerance);
    }
  }
}

TEST_CASE("the bytes are the same for any number of threads and on a second evaluation") {
  for (const Json& options :
       {Json{{"bits", 8}}, Json{{"bits", 4}}, Json{{"bits", 4}, {"asymmetric", true}}}) {
    const ir::Model model = tests::conv_network();
    const ir::Model one = quantize(model, options);
    CHECK(tests::stored_bytes(one) == tests::stored_bytes(one));
    for (const int threads : {2, 8}) {
      CHECK(tests::stored_bytes(quantize(model, options, {.threads = threads})) ==
            tests::stored_bytes(one));
    }
  }
}

TEST_CASE("pruned weights stay pruned and sparse under later quantization") {
  const ir::Model pruned = tests::apply(prune::passes().front(), tests::conv_network(),
                                        {{"sparsity", 0.7}, {"scope", "layer"}});
  const ir::Model pattern =
      tests::apply(prune::passes().front(), tests::conv_network(), {{"pattern", "2:4"}});
  for (const auto& [model, kind] :
       {std::pair{pruned, ir::SparseKind::kBitmask}, {pattern, ir::SparseKind::kNOfM}}) {
    for (const Json& options :
         {Json{{"bits", 8}}, Json{{"bits", 4}}, Json{{"bits", 4}, {"asymmetric", true}}}) {
      const ir::Tensor before = model.parameters.at("conv2.weight");
      const ir::Tensor after = quantize(model, options).parameters.at("conv2.weight");
      CHECK(after.layout().kind == kind);
      CHECK(after.is_quantized());
      CHECK(after.stored_elements() == before.stored_elements());
      const auto a = ir::to_f32(before), b = ir::to_f32(after);
      for (size_t i = 0; i < a.size(); ++i) CHECK((a[i] != 0.0F || b[i] == 0.0F));
    }
  }
}

TEST_CASE("an all-zero group and a constant channel are fine") {
  ir::Model model = tests::matmul_network();
  auto values = ir::to_f32(model.parameters.at("w"));
  for (size_t r = 0; r < 10; ++r) values[r * 6] = 0.0F, values[r * 6 + 1] = 0.25F;
  model.parameters.set("w", ir::Tensor::f32({10, 6}, values));
  for (const int bits : {8, 4}) {
    const auto b = ir::to_f32(
        quantize(model, {{"bits", bits}, {"granularity", "channel"}}).parameters.at("w"));
    for (size_t r = 0; r < 10; ++r) {
      CHECK(b[r * 6] == 0.0F);
      CHECK(b[r * 6 + 1] == doctest::Approx(0.25).epsilon(0x1p-11));  // an f16 scale at 4 bits
    }
  }
}

TEST_CASE("excluded layers stay f32 and layer rules change the bits") {
  const ir::Model result = quantize(
      tests::conv_network(),
      {{"bits", 4}, {"exclude", {"conv1"}}, {"layer", {"fc.weight=bits:8", "conv3=bits:32"}}});
  CHECK(!result.parameters.at("conv1.weight").is_quantized());
  CHECK(!result.parameters.at("conv3.weight").is_quantized());
  CHECK(result.parameters.at("fc.weight").scheme()->code == ir::DType::kI8);
  CHECK(result.parameters.at("conv2.weight").scheme()->code == ir::DType::kI4);
}

TEST_CASE("small first and last layers get 8 bits under w4a16 unless a rule says otherwise") {
  const ir::Model model = tests::conv_network();
  CHECK(edge_layers(model) == std::set<std::string>{"conv1.weight", "fc.weight"});
  tests::RecordingProgress progress;
  const ir::Model result = quantize(model, {{"bits", 4}}, {.progress = &progress});
  CHECK(result.parameters.at("fc.weight").scheme()->code == ir::DType::kI8);  // 40 of 832 weights
  CHECK(result.parameters.at("conv1.weight").scheme()->code == ir::DType::kI4);  // 144 are too many
  CHECK(tests::RecordingProgress::any_with(progress.lines,
                                           "fc.weight: 8 bits, as a first or last layer"));
  const ir::Model asked = quantize(model, {{"bits", 4}, {"layer", {"fc=bits:4"}}});
  CHECK(asked.parameters.at("fc.weight").scheme()->code == ir::DType::kI4);
}

TEST_CASE("scales of 4-bit groups are f16 when they fit, else f32") {
  ir::Model model = tests::conv_network();
  const ir::Tensor half = quantize(model, {{"bits", 4}}).parameters.at("conv2.weight");
  CHECK(half.part(ir::Part::kScales)->dtype() == ir::DType::kF16);
  auto values = ir::to_f32(model.parameters.at("conv3.weight"));
  for (float& v : values) v *= 1e-6F;
  model.parameters.set("conv3.weight", ir::Tensor::f32({8, 1, 3, 3}, values));
  const ir::Tensor whole = quantize(model, {{"bits", 4}}).parameters.at("conv3.weight");
  CHECK(whole.part(ir::Part::kScales)->dtype() == ir::DType::kF32);
}

TEST_CASE("NaN and infinite weights are refused by name") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    ir::Model model = tests::matmul_network();
    auto values = ir::to_f32(model.parameters.at("w"));
    values[7] = bad;
    model.parameters.set("w", ir::Tensor::f32({10, 6}, values));
    CHECK(error_of(model, {{"bits", 8}}) == "w: holds NaN or Inf");
    CHECK(error_of(model, {{"bits", 4}}) == "w: holds NaN or Inf");
  }
}

TEST_CASE("a quantized model is neither quantized nor pruned again") {
  const ir::Model once = quantize(tests::matmul_network(), {{"bits", 8}});
  CHECK(error_of(once, {{"bits", 4}}) ==
        "a: is quantized already: quantize the float model instead");
  CHECK_THROWS_WITH_AS(tests::apply(prune::passes().front(), once, {{"sparsity", 0.5}}),
                       "a: is quantized: prune the float model first, then quantize it", Error);
}

TEST_CASE("wrong or useless arguments are usage errors") {
  const ir::Model model = tests::matmul_network();
  for (const Json& options : std::vector<Json>{
           Json::object(),
           {{"bits", 8}, {"scheme", "w8a16"}},
           {{"bits", 6}},
           {{"bits", 2}},
           {{"bits", 8}, {"calibration_method", "mse"}},
           {{"bits", 8}, {"calibration_samples", 10}},
           {{"bits", 8}, {"split_residuals", true}},
           {{"bits", 8}, {"granularity", "channel"}, {"group_size", 32}},
           {{"bits", 8}, {"symmetric", true}, {"asymmetric", true}},
           {{"bits", 8}, {"layer", {"w=bits:5"}}},
           {{"bits", 8}, {"layer", {"w=sparsity:0.5"}}},
           {{"bits", 8}, {"layer", {"bits:8"}}},
           {{"scheme", "w8a8"}},
           {{"scheme", "w8a8"}, {"granularity", "group"}},
           {{"scheme", "w8a8"}, {"asymmetric", true}},
           {{"scheme", "w8a8"}, {"weight_scales", "mse"}},
           {{"scheme", "w8a8"}, {"percentile", 99.0}},
       }) {
    CHECK_THROWS_AS(quantize(model, options), UsageError);
  }
}

TEST_CASE("a pattern that matches nothing is an error") {
  const ir::Model model = tests::matmul_network();
  CHECK(error_of(model, {{"bits", 8}, {"exclude", {"x*"}}}) ==
        "--exclude x*: matches no layer with weights");
  CHECK(error_of(model, {{"bits", 8}, {"layer", {"x=bits:4"}}}) ==
        "--layer x: matches no layer with weights");
}

TEST_CASE("a file of weights without a graph is quantized by name") {
  ir::Model model = tests::conv_network();
  model.graphs.clear();
  const ir::Model result = quantize(model, {{"bits", 4}});
  CHECK(result.parameters.at("conv2.weight").is_quantized());
  CHECK(!result.parameters.at("conv2.bias").is_quantized());
}

}  // namespace
}  // namespace pare::quantize
