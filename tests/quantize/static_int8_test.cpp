// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/ir/graph_builder.hpp"
#include "lib/runtime/session.hpp"
#include "prune/passes.hpp"
#include "quantize/passes.hpp"
#include "tests/pass/small_networks.hpp"
#include "tests/quantize/relative_difference.hpp"

namespace pare::quantize {
namespace {

pass::Context calibrated(std::shared_ptr<const data::Dataset> data, int threads = 1) {
  return {.calibration = std::move(data), .threads = threads};
}

std::shared_ptr<tests::GeneratedData> images(int64_t size = 100) {
  return tests::noise({2, 8, 8}, size, 5);
}

ir::Model to_integers(const ir::Model& model, pass::Context context,
                      Json options = Json::object()) {
  options["scheme"] = "w8a8";
  return tests::apply(passes().front(), model, options, context);
}

const ir::Value& value(const ir::Model& model, const std::string& node) {
  for (const ir::Node& n : model.main().nodes()) {
    if (n.name == node) return model.main().value(n.outputs.front());
  }
  throw Bug("no such node");
}

TEST_CASE("every layer runs in integers and the logits stay f32") {
  const ir::Model result = to_integers(tests::conv_network(), calibrated(images()));
  const runtime::Session session(result, {});
  for (const auto& step : session.steps()) {
    // Steps that the planner adds between others.
    if (step.op == "Quantize" || step.op == "Dequantize" || step.op == "Reorder") continue;
    CHECK_MESSAGE(step.integer, step.node);
  }
  CHECK(!value(result, "fc").quant.has_value());
  CHECK(result.main().value(result.main().inputs.front()).quant.has_value());
}

TEST_CASE("scales sit on the values that exist when the model runs") {
  const ir::Model result = to_integers(tests::conv_network(), calibrated(images()));
  CHECK(!value(result, "conv1").quant.has_value());  // fused with relu1
  CHECK(!value(result, "conv2").quant.has_value());  // fused with add and relu2
  CHECK(!value(result, "add").quant.has_value());
  for (const char* name : {"relu1", "relu2", "conv3", "swish", "average"}) {
    CHECK_MESSAGE(value(result, name).quant.has_value(), name);
  }
  CHECK(value(result, "pool").quant == value(result, "relu2").quant);
  CHECK(value(result, "flat").quant == value(result, "average").quant);
}

TEST_CASE("split residuals put codes on both sides of an addition, and everything stays integer") {
  const ir::Model model = tests::conv_network();
  const ir::Model result = to_integers(model, calibrated(images()), {{"split_residuals", true}});
  CHECK(value(result, "conv2").quant.has_value());
  CHECK(!value(result, "add").quant.has_value());  // fused with relu2
  CHECK(value(result, "relu2").quant.has_value());
  const runtime::Session session(result, {});
  for (const auto& step : session.steps()) {
    if (step.op == "Quantize" || step.op == "Dequantize" || step.op == "Reorder") continue;
    CHECK_MESSAGE(step.integer, step.node);
  }
  // As in every other test of four layers of 8-bit noise.
  CHECK(relative_difference(model, result) < 0.08);
}

// Where both operands come from convolutions, either could take the addition.
TEST_CASE("split residuals leave no convolution fused with an addition") {
  ir::GraphBuilder builder({2, 8, 8});
  const ir::ValueId x = builder.input();
  const ir::ValueId a = builder.conv(x, {.channels = 4, .pad = 1, .bias = true}, "left");
  const ir::ValueId b = builder.conv(x, {.channels = 4, .kernel = 1, .bias = true}, "right");
  const ir::ValueId sum = builder.relu(builder.add(a, b, "sum"));
  ir::Model model = builder.finish(
      builder.gemm(builder.flatten(builder.global_average_pool(sum)), 3, "fc"), Json::object());
  ir::initialise(model, 1);
  const ir::Model fused = to_integers(model, calibrated(images()));
  CHECK(value(fused, "left").quant.has_value() != value(fused, "right").quant.has_value());
  const ir::Model split = to_integers(model, calibrated(images()), {{"split_residuals", true}});
  CHECK(value(split, "left").quant.has_value());
  CHECK(value(split, "right").quant.has_value());
}

TEST_CASE("weights are s8 a channel without -128, biases i32 with scale s_a s_w") {
  const ir::Model result = to_integers(tests::conv_network(), calibrated(images()));
  const ir::Tensor& weight = result.parameters.at("conv2.weight");
  CHECK(weight.scheme()->code == ir::DType::kI8);
  CHECK(weight.scheme()->axis == 0);
  CHECK(std::ranges::min(ir::to_codes(weight)) >= -127);
  const ir::Tensor& bias = result.parameters.at("conv2.bias");
  REQUIRE(bias.is_quantized());
  CHECK(bias.scheme()->code == ir::DType::kI32);
  const float input_scale = value(result, "relu1").quant->scale;
  const auto weight_scales = ir::to_f32(*weight.part(ir::Part::kScales));
  const auto bias_scales = ir::to_f32(*bias.part(ir::Part::kScales));
  for (size_t c = 0; c < 8; ++c) CHECK(bias_scales[c] == input_scale * weight_scales[c]);
}

TEST_CASE("the integer model agrees with the float model for every calibration method") {
  for (const char* method : {"minmax", "percentile", "entropy", "mse"}) {
    for (const auto& [model, item] : {std::pair{tests::conv_network(), ir::Dims{2, 8, 8}},
                                      {tests::matmul_network(), ir::Dims{12}}}) {
      const ir::Model result = to_integers(model, calibrated(tests::noise(item, 200, 5)),
                                           {{"calibration_method", method}});
      // Eight-bit noise of activations and weights over four layers is about 1 %; clipping adds to
      // it.
      CHECK_MESSAGE(relative_difference(model, result) < 0.08, method);
    }
  }
}

TEST_CASE("the integer model agrees with its own dequantized weights and f32 arithmetic") {
  const ir::Model model = tests::conv_network();
  const ir::Model result = to_integers(model, calibrated(images()));
  ir::Model dequantized = result;
  for (const auto& [name, tensor] : result.parameters.entries()) {
    if (tensor.is_quantized())
      dequantized.parameters.set(name, ir::Tensor::f32(tensor.dims(), ir::to_f32(tensor)));
  }
  // Without the activations' codes, weights' rounding is common to both.
  for (size_t i = 0; i < dequantized.main().values().size(); ++i) {
    dequantized.main().value({static_cast<int32_t>(i)}).quant.reset();
  }
  CHECK(relative_difference(dequantized, result) < 0.05);
}

TEST_CASE("the bytes are the same for any number of threads") {
  const ir::Model one = to_integers(tests::conv_network(), calibrated(images()));
  for (const int threads : {2, 8}) {
    const ir::Model many = to_integers(tests::conv_network(), calibrated(images(), threads));
    CHECK(tests::stored_bytes(many) == tests::stored_bytes(one));
    for (size_t i = 0; i < one.main().values().size(); ++i) {
      CHECK(many.main().values()[i].quant == one.main().values()[i].quant);
    }
  }
}

TEST_CASE("an excluded layer computes in f32 between integer layers") {
  const ir::Model model = tests::conv_network();
  const ir::Model result =
      to_integers(model, calibrated(images()), {{"exclude", {"conv2"}}, {"layer", {"fc=bits:4"}}});
  CHECK(!result.parameters.at("conv2.weight").is_quantized());
  CHECK(result.parameters.at("fc.weight").scheme()->code == ir::DType::kI4);
  CHECK(relative_difference(model, result) < 0.3);
}

TEST_CASE("a pruned model stays sparse, and a channel without weights keeps its bias") {
  ir::Model model = tests::matmul_network();
  auto values = ir::to_f32(model.parameters.at("w"));
  for (size_t r = 0; r < 10; ++r) values[r * 6 + 2] = 0.0F;
  model.parameters.set("w", ir::Tensor::f32({10, 6}, values));
  const ir::Model pruned =
      tests::apply(prune::passes().front(), model, {{"sparsity", 0.6}, {"scope", "layer"}});
  const ir::Model result = to_integers(pruned, calibrated(tests::noise({12}, 100, 5)));
  CHECK(result.parameters.at("w").is_sparse());
  const auto before = ir::to_f32(pruned.parameters.at("w")),
             after = ir::to_f32(result.parameters.at("w"));
  for (size_t i = 0; i < before.size(); ++i) CHECK((before[i] != 0.0F || after[i] == 0.0F));
  const float bias = ir::to_f32(model.parameters.at("bias"))[2];
  // Scale |b| / 2^20: the code is exact up to f32 rounding of the scale.
  CHECK(ir::to_f32(result.parameters.at("bias"))[2] ==
        doctest::Approx(static_cast<double>(bias)).epsilon(1e-5));
}

TEST_CASE("a bias far larger than its weights does not overflow") {
  ir::Model model = tests::matmul_network();
  auto values = ir::to_f32(model.parameters.at("w"));
  for (size_t r = 0; r < 10; ++r) values[r * 6 + 1] *= 1e-12F;
  model.parameters.set("w", ir::Tensor::f32({10, 6}, values));
  const ir::Model result = to_integers(model, calibrated(tests::noise({12}, 100, 5)));
  const float bias = ir::to_f32(model.parameters.at("bias"))[1];
  CHECK(ir::to_f32(result.parameters.at("bias"))[1] ==
        doctest::Approx(static_cast<double>(bias)).epsilon(1e-6));
}

TEST_CASE("calibration data is required, and has to fit") {
  CHECK_THROWS_WITH_AS(to_integers(tests::conv_network(), {}),
                       "--calibration-data: is needed by quantize with these options", UsageError);
  CHECK_THROWS_AS(to_integers(tests::conv_network(), calibrated(tests::noise({3, 9, 9}, 10, 5))),
                  Error);
  CHECK_THROWS_AS(to_integers(tests::conv_network(), calibrated(images(0))), Error);
}

std::vector<std::string> warnings_for(std::shared_ptr<const data::Dataset> data,
                                      bool stated = true) {
  tests::RecordingProgress progress;
  ir::Model model = tests::conv_network();
  model.metadata.preprocessing.stated = stated;
  pass::Context context = calibrated(std::move(data));
  context.progress = &progress;
  to_integers(model, context);
  return progress.warnings;
}

bool warned(const std::vector<std::string>& warnings, std::string_view part) {
  return tests::RecordingProgress::any_with(warnings, part);
}

TEST_CASE("calibration data that cannot stand for the real inputs is warned about") {
  CHECK(warnings_for(images()).empty());
  CHECK(warned(warnings_for(images(), false), "states no preprocessing"));
  CHECK(warned(warnings_for(tests::noise({2, 8, 8}, 50, 5, 100.0F)), "look unnormalized"));
  CHECK(warned(warnings_for(images(3)), "lacks 2 of 5 classes (class3, ...)"));
  CHECK(warned(warnings_for(images(4)), "lacks 1 of 5 classes (class4)"));
  auto one_class = images();
  one_class->only_label = 2;
  CHECK(warned(warnings_for(one_class), "one class only (class2)"));
  const auto constant = [](auto value) {
    return std::make_shared<tests::GeneratedData>(ir::Dims{2, 8, 8}, 50, 5, value);
  };
  CHECK(warned(warnings_for(constant([](int64_t, int64_t) { return 0.5F; })),
               "constant (0.5 everywhere)"));
  CHECK(warned(
      warnings_for(constant([](int64_t, int64_t e) { return 0.01F * static_cast<float>(e); })),
      "all items are the same"));
}

TEST_CASE("no more samples than asked for are run") {
  auto counted = std::make_shared<int64_t>(0);
  const auto data = std::make_shared<tests::GeneratedData>(
      ir::Dims{2, 8, 8}, 1000, 5, [counted](int64_t i, int64_t e) {
        if (e == 0) ++*counted;
        return Rng(1, static_cast<uint64_t>(i), static_cast<uint64_t>(e)).normal();
      });
  to_integers(tests::conv_network(), calibrated(data), {{"calibration_samples", 70}});
  CHECK(*counted == 70);
}

}  // namespace
}  // namespace pare::quantize
