// SPDX-License-Identifier: Apache-2.0
// w4a8: 4-bit weights with a scale a group on activation codes.
#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/runtime/session.hpp"
#include "quantize/passes.hpp"
#include "tests/pass/small_networks.hpp"
#include "tests/quantize/relative_difference.hpp"

namespace pare::quantize {
namespace {

ir::Model w4a8(const ir::Model& model, const ir::Dims& item, Json options = Json::object(),
               int threads = 1) {
  if (!options.contains("scheme")) options["scheme"] = "w4a8";
  const pass::Context context{.calibration = tests::noise(item, 200, 5), .threads = threads};
  return tests::apply(passes().front(), model, options, context);
}

const ir::Dims kImage{2, 8, 8}, kVector{12};

ir::DType code_of(const ir::Model& model, const std::string& parameter) {
  return model.parameters.at(parameter).scheme()->code;
}

// Steps other than those that the planner adds between others.
bool all_in_integers(const ir::Model& model) {
  const runtime::Session session(model, {});
  return std::ranges::all_of(session.steps(), [](const auto& step) {
    return step.integer || step.op == "Quantize" || step.op == "Dequantize" || step.op == "Reorder";
  });
}

TEST_CASE("w4a8 gives fully connected layers 4 bits in groups and runs them in integers") {
  const ir::Model model = tests::matmul_network();
  const ir::Model result = w4a8(model, kVector, {{"group_size", 8}});
  for (const char* name : {"a", "w"}) {
    const ir::QuantScheme& scheme = *result.parameters.at(name).scheme();
    CHECK(scheme.code == ir::DType::kI4);
    CHECK(scheme.scale == ir::DType::kF16);
    CHECK(scheme.group_size == 8);
    CHECK(scheme.axis == 0);
  }
  CHECK(result.parameters.at("w").dims() == ir::Dims{6, 10});  // rows are output channels
  CHECK(!result.parameters.at("bias").is_quantized());         // no i32 sum could take it in
  CHECK(all_in_integers(result));
  // Four bits of noise in two layers.
  CHECK(relative_difference(model, result) < 0.2);
}

TEST_CASE("w4a8 gives convolutions 8 bits a channel, and a small last layer too") {
  const ir::Model model = tests::conv_network();
  const ir::Model result = w4a8(model, kImage);
  CHECK(code_of(result, "conv2.weight") == ir::DType::kI8);
  CHECK(code_of(result, "conv2.bias") == ir::DType::kI32);
  CHECK(result.parameters.at("conv2.weight").scheme()->group_size == 0);
  CHECK(code_of(result, "fc.weight") == ir::DType::kI8);
  CHECK(all_in_integers(result));
  const ir::Model all = w4a8(model, kImage, {{"layer", {"fc=bits:4"}}});
  CHECK(code_of(all, "fc.weight") == ir::DType::kI4);
  CHECK(all_in_integers(all));
}

TEST_CASE("a fully connected layer of 4 bits under w8a8 is one of w4a8") {
  const Json options{{"scheme", "w8a8"}, {"layer", {"fc=bits:4"}}};
  const ir::Model result = w4a8(tests::conv_network(), kImage, options);
  CHECK(code_of(result, "fc.weight") == ir::DType::kI4);
  CHECK(result.parameters.at("fc.weight").scheme()->group_size == 32);
  CHECK(all_in_integers(result));
}

TEST_CASE("a convolution of 4 bits computes in f32 between integer layers") {
  const ir::Model result =
      w4a8(tests::conv_network(), kImage, {{"layer", {"conv2=bits:4", "fc=bits:32"}}});
  CHECK(code_of(result, "conv2.weight") == ir::DType::kI4);
  CHECK(!result.parameters.at("fc.weight").is_quantized());
  const runtime::Session session(result, {});
  for (const auto& step : session.steps()) {
    if (step.op == "Conv") CHECK(step.integer == (step.main != "conv2"));
  }
}

TEST_CASE("w4a8 agrees with its own dequantized weights in f32") {
  const ir::Model result = w4a8(tests::matmul_network(), kVector);
  ir::Model dequantized = result;
  for (const auto& [name, tensor] : result.parameters.entries()) {
    dequantized.parameters.set(name, ir::Tensor::f32(tensor.dims(), ir::to_f32(tensor)));
  }
  for (size_t i = 0; i < dequantized.main().values().size(); ++i) {
    dequantized.main().value({static_cast<int32_t>(i)}).quant.reset();
  }
  CHECK(relative_difference(dequantized, result) < 0.03);  // two activations of 8 bits
}

TEST_CASE("searched scales of w4a8 are nearer to the float model than covering ones") {
  const ir::Model model = tests::matmul_network();
  CHECK(relative_difference(model, w4a8(model, kVector)) <
        relative_difference(model, w4a8(model, kVector, {{"weight_scales", "range"}})));
}

TEST_CASE("the bytes of w4a8 are the same for any number of threads") {
  const auto one = tests::stored_bytes(w4a8(tests::conv_network(), kImage));
  for (const int threads : {2, 8}) {
    CHECK(tests::stored_bytes(w4a8(tests::conv_network(), kImage, Json::object(), threads)) == one);
  }
}

TEST_CASE("options that w4a8 does not have are refused") {
  for (const Json& options :
       {Json{{"granularity", "channel"}}, Json{{"granularity", "tensor"}}, Json{{"bits", 4}},
        Json{{"asymmetric", true}}, Json{{"percentile", 99.0}}}) {
    CAPTURE(options.dump());
    CHECK_THROWS_AS(w4a8(tests::matmul_network(), kVector, options), UsageError);
  }
  CHECK_THROWS_WITH_AS(
      tests::apply(passes().front(), tests::matmul_network(), {{"scheme", "w4a8"}}),
      "--calibration-data: is needed by quantize with these options", UsageError);
  ir::Model weights = tests::matmul_network();
  weights.graphs.clear();
  CHECK_THROWS_AS(w4a8(weights, kVector), Error);
}

}  // namespace
}  // namespace pare::quantize
