// SPDX-License-Identifier: Apache-2.0
// Files that PyTorch wrote (fixtures/, make_fixtures.py), compared with what PyTorch computed.
#include <cmath>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
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

}  // namespace

// Probabilities are at most 1; sums of at most 36 products of values around 1 differ between two
// orders of addition by about 36 * 2^-24 = 2e-6 a layer, over 5 layers.
constexpr double kTolerance = 1e-5;

TEST_CASE("PyTorch's files of a fixed batch compute what PyTorch computes") {
  for (const char* opset : {"9", "13", "16"}) {
    CHECK_MESSAGE(error_of("net_opset" + std::string(opset) + "_fixed.onnx") < kTolerance, opset);
  }
}

TEST_CASE("parameters keep the names that the file gives them") {
  const ir::Model model = read(kFixtures + "net_opset9_fixed.onnx");
  CHECK(model.parameters.contains("depthwise.weight"));
  CHECK(model.parameters.contains("fc.bias"));
  CHECK(model.main().value(model.main().inputs[0]).name == "image");
  CHECK(model.main().value(model.main().outputs[0]).name == "probabilities");
}

}  // namespace pare::formats
