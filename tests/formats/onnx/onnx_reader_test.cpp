// SPDX-License-Identifier: Apache-2.0
// Files that PyTorch wrote (fixtures/, make_fixtures.py), compared with what PyTorch computed.
#include <cmath>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/numpy/npy.hpp"
#include "lib/runtime/session.hpp"

namespace pare::formats {

namespace {

const std::string kFixtures = "tests/formats/onnx/fixtures/";

std::vector<float> floats_of(const std::string& name) {
  const numpy::Array array = numpy::read_npy(kFixtures + name);
  const auto bytes = array.bytes;
  std::vector<float> out(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(out)).begin());
  return out;
}

// Largest difference of a model's output from PyTorch's.
double error_of(const std::string& file) {
  const ir::Model model = read(kFixtures + file);
  const std::vector<float> x = floats_of("x.npy"), y = floats_of("y.npy");
  runtime::Session session(model, {.batch = 3});
  REQUIRE(session.input().size() == x.size());
  std::copy(x.begin(), x.end(), session.input().begin());
  session.run();
  REQUIRE(session.output().size() == y.size());
  double worst = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    worst = std::max(worst, std::abs(double{session.output()[i]} - y[i]));
  }
  return worst;
}

// The scale of the codes that become the output.
float model_scale(const ir::Model& model) {
  const ir::Graph& graph = model.main();
  return graph.value(graph.nodes().back().outputs.front()).quant.value().scale;
}

}  // namespace

// Probabilities are at most 1; sums of at most 36 products of values around 1 differ between two
// orders of addition by about 36 * 2^-24 = 2e-6 a layer, over 5 layers.
constexpr double kTolerance = 1e-5;

TEST_CASE("PyTorch's files compute what PyTorch computes, in every operator set") {
  for (const char* opset : {"7", "9", "13", "16"}) {
    for (const char* batch : {"fixed", "free"}) {
      const std::string file = "net_opset" + std::string(opset) + "_" + batch + ".onnx";
      CHECK_MESSAGE(error_of(file) < kTolerance, file);
    }
  }
}

TEST_CASE("a free batch keeps its name, and shape arithmetic leaves no node behind") {
  const ir::Model model = read(kFixtures + "net_opset9_free.onnx");
  CHECK(model.main().value(model.main().inputs[0]).shape.front() == ir::Dim("N"));
  for (const ir::Node& node : model.main().nodes()) {
    CHECK(node.op != "Shape");
    CHECK(node.op != "Gather");
  }
}

TEST_CASE("external data is read from where it lies") {
  const ir::Model model = read(kFixtures + "external.onnx");
  CHECK(ir::to_f32(model.parameters.at("w")) == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("an input that decides a branch is bound, and the branch takes the place of the If") {
  const auto op = [](double rate) {
    const ir::Model model = read(kFixtures + "branches.onnx", {.bind = {{"rate", {rate}}}});
    REQUIRE(model.main().nodes().size() == 1);
    CHECK(model.main().inputs.size() == 1);
    return model.main().nodes().front().op;
  };
  CHECK(op(16000) == "Relu");
  CHECK(op(8000) == "Neg");
  CHECK_THROWS_AS(read(kFixtures + "branches.onnx"), Error);
}

TEST_CASE("parameters keep the names that the file gives them") {
  const ir::Model model = read(kFixtures + "net_opset9_fixed.onnx");
  CHECK(model.parameters.contains("depthwise.weight"));
  CHECK(model.parameters.contains("fc.bias"));
  CHECK(model.main().value(model.main().inputs[0]).name == "image");
  CHECK(model.main().value(model.main().outputs[0]).name == "probabilities");
}

// Scales in ratios of two and odd zero points (make_qoperator.py): many values lie halfway between
// two codes, so that every rounding shows. ONNX Runtime 1.30 computed what is expected.
TEST_CASE("every operator on codes runs in integers and gives what ONNX Runtime gives") {
  const std::vector<float> x = floats_of("qoperator/x.npy");
  for (const std::string name :
       {"conv", "conv_signed", "conv_one_scale", "conv_unsigned_weight", "conv_depthwise", "matmul",
        "gemm", "gemm_to_float", "add", "add_signed", "mul", "concat", "max_pool", "average",
        "global_average", "sigmoid", "leaky_relu"}) {
    CAPTURE(name);
    const ir::Model model = read(kFixtures + "qoperator/" + name + ".onnx");
    const std::vector<float> y = floats_of("qoperator/" + name + ".npy");
    runtime::Session session(model, {});
    std::copy(x.begin(), x.end(), session.input().begin());
    session.run();
    REQUIRE(session.output().size() == y.size());
    // These add the zero point before they round, where QuantizeLinear rounds first.
    const bool other_halves = name.starts_with("add") || name == "mul" || name == "average";
    const float code = other_halves ? 1.001F * model_scale(model) : 0.0F;
    size_t different = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      CHECK(std::abs(session.output()[i] - y[i]) <= code);
      different += session.output()[i] != y[i] ? 1 : 0;
    }
    CHECK(different <= (other_halves ? y.size() / 4 : 0));
    for (const runtime::StepInfo& step : session.steps()) {
      const bool converts =
          step.op == "Quantize" || step.op == "Dequantize" || step.op == "Reorder";
      CHECK_MESSAGE((step.integer || converts), step.node);
    }
  }
}

}  // namespace pare::formats
