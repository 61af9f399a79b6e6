// SPDX-License-Identifier: Apache-2.0
// Built-in architectures against published sizes, and their starting weights.
#include "lib/ir/architectures.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {
namespace {

const Dims kFashion{1, 28, 28};

int64_t parameters_of(const char* spec, const Dims& item = kFashion) {
  const Model model = build_architecture(spec, item, 10);
  verify(model);
  return parameter_count(model);
}

TEST_CASE("parameter counts are those of the published architectures") {
  CHECK(parameters_of("lenet300") == 266'610);
  CHECK(parameters_of("mlp:784-300-100-10") == 266'610);
  CHECK(parameters_of("lenet5") == 61'706);
  CHECK(parameters_of("lenet5-caffe") == 431'080);
  // Measured in PyTorch: projections without batch norm, running statistics not counted.
  CHECK(parameters_of("resnet8") == 77'562);
  CHECK(parameters_of("resnet8:width=9") == 24'859);
  CHECK(parameters_of("resnet8:width=32") == 307'690);
  // Stem 576+128, four blocks of (576+128) + (4096+128), classifier 650.
  CHECK(parameters_of("dscnn") == 704 + 4 * (704 + 4224) + 650);
}

TEST_CASE("resnet20 has twenty weighted layers and depth adds six each") {
  const auto weighted = [](const char* spec) {
    int layers = 0;
    const Model model = build_architecture(spec, {3, 32, 32}, 10);
    for (const Node& node : model.main().nodes()) {
      const bool projection = node.name.find("projection") != std::string::npos;
      layers += find_op(node.op)->weight_input >= 0 && !projection ? 1 : 0;
    }
    return layers;
  };
  CHECK(weighted("resnet20") == 20);
  CHECK(weighted("resnet20:width=8,depth=5") == 32);
  CHECK(weighted("resnet8") == 8);
}

TEST_CASE("multiply-accumulates are counted for one item") {
  CHECK(mac_count(build_architecture("lenet300", kFashion, 10),
                  build_architecture("lenet300", kFashion, 10).main()) ==
        784 * 300 + 300 * 100 + 100 * 10);
  const Model model = build_architecture("dscnn", kFashion, 10);
  // Stem 14x14x64x9; four blocks of depthwise 14x14x64x9 and pointwise 14x14x64x64; classifier 640.
  const int64_t pixels = 14 * 14;
  CHECK(mac_count(model, model.main()) ==
        pixels * 64 * 9 + 4 * (pixels * 64 * 9 + pixels * 64 * 64) + 640);
}

TEST_CASE("every architecture takes an image, a symbolic batch, and yields logits") {
  for (const ArchitectureRow& row : all_architectures()) {
    const std::string spec = row.name == "mlp" ? "mlp:784-16-7" : std::string(row.name);
    CAPTURE(spec);
    const Model model = build_architecture(spec, kFashion, 7);
    verify(model);
    const Graph& graph = model.main();
    CHECK(graph.value(graph.inputs[0]).name == "input");
    CHECK(graph.value(graph.outputs[0]).name == "logits");
    CHECK(graph.value(graph.outputs[0]).shape == Shape{Dim("batch"), Dim(7)});
    CHECK(model.metadata.source["arch"] == spec);
    CHECK(dump(model).find("graph main") == 0);
  }
}

TEST_CASE("what does not exist or does not fit is refused") {
  const auto build = [](const char* spec, const Dims& item) {
    return build_architecture(spec, item, 10);
  };
  CHECK_THROWS_AS(build("resnet9", kFashion), UsageError);
  CHECK_THROWS_AS(build("resnet8:depth=3", kFashion), UsageError);
  CHECK_THROWS_AS(build("resnet8:width", kFashion), UsageError);
  CHECK_THROWS_AS(build("resnet8:width=0", kFashion), UsageError);
  CHECK_THROWS_AS(build("resnet8:width=1e3", kFashion), UsageError);
  CHECK_THROWS_AS(build("resnet8:width=99999999999999999999", kFashion), UsageError);
  CHECK_THROWS_AS(build("mlp", kFashion), UsageError);
  CHECK_THROWS_AS(build("mlp:784-", kFashion), UsageError);
  CHECK_THROWS_AS(build("mlp:100-10", kFashion), Error);
  CHECK_THROWS_AS(build("mlp:784-3", kFashion), Error);
  CHECK_THROWS_AS(build("resnet8", {12}), Error);
  CHECK_THROWS_AS(build("lenet5", {1, 4, 4}), Error);
  CHECK_THROWS_AS(build_architecture("lenet300", kFashion, 0), Error);
}

TEST_CASE("initial weights depend on seed and name only and have the stated spread") {
  Model a = build_architecture("resnet8", kFashion, 10);
  Model b = build_architecture("resnet8", kFashion, 10);
  initialise(a, 7);
  initialise(b, 7);
  const std::string name = "stage3.conv2.weight";
  const std::vector<float> weights = to_f32(a.parameters.at(name));
  CHECK(weights == to_f32(b.parameters.at(name)));
  initialise(b, 8);
  CHECK(weights != to_f32(b.parameters.at(name)));
  double squares = 0;
  for (const float w : weights) squares += static_cast<double>(w) * w;
  // Variance 2 / fan_out; its estimate from n = 36,864 draws has a relative deviation of
  // sqrt(2 / n) = 0.74 %, so 4 % is beyond five of them.
  const double expected = 2.0 / (64 * 9);
  CHECK(std::abs(squares / static_cast<double>(weights.size()) / expected - 1) < 0.04);
  for (const float w : to_f32(a.parameters.at("logits.weight"))) CHECK(std::abs(w) <= 0.125F);
  CHECK(to_f32(a.parameters.at("stem.bn.scale")) == std::vector<float>(16, 1.0F));
  CHECK_NOTHROW(verify(a));
}

}  // namespace
}  // namespace pare::ir
