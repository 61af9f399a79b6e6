// SPDX-License-Identifier: Apache-2.0
// Keras files whose answers NumPy computed (make_fixtures.py), read and run here.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "formats/keras/layers.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/runtime/session.hpp"
#include "tests/formats/replay.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::read_wholly;
using tests::ScratchFolder;

std::string fixture(const std::string& name) {
  return "tests/formats/keras/fixtures/" + name + ".h5";
}

std::vector<float> floats(const hdf5::Array& array) {
  std::vector<float> out(array.bytes.size() / sizeof(float));
  std::memcpy(out.data(), array.bytes.data(), array.bytes.size());
  return out;
}

// Runs the model on the inputs in its file and returns the largest difference from the outputs
// there, relative to 1 or to the output where that is larger.
double largest_difference(const std::string& name) {
  const ir::Model model = read(fixture(name));
  const hdf5::Index file = hdf5::read(fixture(name));
  const hdf5::Array* first = file.find("check/input_0");
  REQUIRE(first);
  runtime::Session session(model, {.batch = first->dims.at(0)});
  for (int i = 0; i < session.input_count(); ++i) {
    const hdf5::Array* input = file.find("check/input_" + std::to_string(i));
    REQUIRE(input);
    CHECK(session.input_dims(i) == input->dims);
    std::ranges::copy(floats(*input), session.input(i).begin());
  }
  session.run();
  double worst = 0;
  for (int i = 0; i < session.output_count(); ++i) {
    const hdf5::Array* output = file.find("check/output_" + std::to_string(i));
    REQUIRE(output);
    CHECK(session.output_dims(i) == output->dims);
    const std::vector<float> expected = floats(*output);
    REQUIRE(expected.size() == session.output(i).size());
    for (size_t k = 0; k < expected.size(); ++k) {
      const double difference = std::abs(double(session.output(i)[k]) - expected[k]);
      worst = std::max(worst, difference / std::max(1.0, std::abs(double(expected[k]))));
    }
  }
  CHECK(file.find("check/output_" + std::to_string(session.output_count())) == nullptr);
  return worst;
}

// A fixture after `from` was replaced by `to`, of the same length, wherever it stands.
std::string patched(const ScratchFolder& scratch, const std::string& name, const std::string& from,
                    const std::string& to) {
  REQUIRE(from.size() == to.size());
  std::vector<char> bytes = tests::slurp(fixture(name));
  auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
  REQUIRE(at != bytes.end());
  for (; at != bytes.end(); at = std::search(at, bytes.end(), from.begin(), from.end())) {
    at = std::copy(to.begin(), to.end(), at);
  }
  const std::string path = scratch.file("patched.h5");
  tests::spill(path, bytes);
  return path;
}

std::string refused(const std::string& name, const std::string& from, const std::string& to) {
  const ScratchFolder scratch;
  const std::string path = patched(scratch, name, from, to);
  const std::string text = read_wholly(path);
  return text.empty() ? text : text.substr(path.size() + 2);
}

std::vector<std::string> operators(const ir::Model& model) {
  std::vector<std::string> out;
  for (const ir::Node& node : model.main().nodes()) out.push_back(node.op);
  return out;
}

}  // namespace

// Sums of at most 144 products of numbers around 1 in f32: 144 * 2^-24 * 4 < 4e-5 through four
// layers that do not amplify by more than their inputs' count.
constexpr double kTolerance = 5e-5;

TEST_CASE("every kind of layer computes what its definition says") {
  for (const char* name :
       {"sequential_2_1", "sequential_2_2", "dense", "functional", "separable", "shapes",
        "activations", "rectifiers", "channels_first", "sequence", "nested"}) {
    CAPTURE(name);
    CHECK(largest_difference(name) < kTolerance);
  }
}

TEST_CASE("images become channels first without a transposition where none is needed") {
  const ir::Model model = read(fixture("sequential_2_1"));
  CHECK(operators(model) == std::vector<std::string>{"Conv", "BatchNormalization", "Relu",
                                                     "MaxPool", "Flatten", "Gemm", "Softmax"});
  const ir::Graph& graph = model.main();
  CHECK(ir::to_string(graph.value(graph.inputs[0]).shape) == "[batch, 3, 7, 5]");
  CHECK(graph.nodes()[0].name == "conv2d_1");
  CHECK(model.parameters.at("conv2d_1.weight").dims() == ir::Dims{4, 3, 3, 3});
  CHECK(model.parameters.at("dense_1.weight").dims() == ir::Dims{5, 16});
  CHECK(model.metadata.source.at("layout") == "NHWC");
  CHECK(model.metadata.source.at("keras_version") == "2.1.6");
}

TEST_CASE("padding same on odd sizes puts the odd row last") {
  const ir::Model model = read(fixture("functional"));
  const ir::Graph& graph = model.main();
  const auto pads = [&](const std::string& name) {
    return ir::attr_ints(graph.node(graph.producer(graph.find(name))), "pads", {});
  };
  CHECK(pads("left") == std::vector<int64_t>{1, 1, 1, 1});   // 9 x 7, window 3, stride 2
  CHECK(pads("right") == std::vector<int64_t>{0, 0, 1, 1});  // window 2, stride 2
}

TEST_CASE("a network used twice shares its parameters") {
  const ir::Model model = read(fixture("nested"));
  CHECK(model.parameters.entries().size() == 8);
  CHECK(model.parameters.contains("encoder/conv.weight"));
  CHECK(model.main().find("encoder/conv.call2").valid());
  CHECK(model.main().inputs.size() == 2);
}

TEST_CASE("weights alone are a model without a graph, named by layer") {
  const ir::Model model = read(fixture("weights"));
  CHECK(model.graphs.empty());
  std::vector<std::string> names;
  for (const auto& entry : model.parameters.entries()) names.push_back(entry.name);
  CHECK(names ==
        std::vector<std::string>{"conv/kernel", "conv/bias", "dense/kernel", "dense/bias"});
  CHECK(model.parameters.at("conv/kernel").dims() == ir::Dims{3, 3, 1, 2});
}

TEST_CASE("what is not understood is refused by layer and class") {
  CHECK(refused("sequential_2_2", "AveragePooling2D", "AveragePooling3D") ==
        "layer average (AveragePooling3D): this class of layers is not supported");
  CHECK(refused("sequential_2_2", "\"sigmoid\"", "\"mystery\"") ==
        "layer hidden (Dense): activation mystery is not supported");
  CHECK(refused("sequential_2_2", "\"same\"", "\"some\"") ==
        "layer conv (Conv2D): padding some is not supported");
  CHECK(refused("rectifiers", "\"negative_slope\":0.0", "\"negative_slope\":0.1") ==
        "layer above (ReLU): negative_slope and threshold together are not supported");
  CHECK(refused("shapes", "\"axis\":[1]", "\"axis\":[5]") ==
        "layer rows (BatchNormalization): axis is [5] of 4 dimensions");
  CHECK(refused("dense", "\"Sequential\"", "\"Subclassed\"") ==
        "the model is of class Subclassed; Sequential, Model and Functional are read");
  CHECK(refused("dense", "2.4.0", "3.4.0") == "was written by Keras 3.4.0; 2.1 to 2.15 are read");
}

TEST_CASE("a description that does not fit its weights is refused") {
  CHECK(refused("dense", "\"units\":4", "\"units\":5") ==
        "layer d1 (Dense): kernel should be [6, 5], found [6, 4]");
  CHECK(refused("sequential_2_2", "\"use_bias\":false", "\"use_bias\":true ") ==
        "layer hidden (Dense): takes 2 weights, the file holds 1");
  CHECK(refused("sequential_2_2", "\"kernel_size\":[3,2]", "\"kernel_size\":[0,2]") ==
        "layer conv (Conv2D): kernel_size is [0, 2]");
  CHECK(refused("functional", "\"groups\":2", "\"groups\":3") ==
        "layer left (Conv2D): 3 groups do not divide 4 channels into 4");
}

TEST_CASE("connections that lead nowhere or in a circle are refused") {
  CHECK(refused("functional", "[\"stem\",0,0,{}]", "[\"stun\",0,0,{}]") ==
        "refers to layer stun, which is missing");
  CHECK(refused("functional", "[\"stem\",0,0,{}]", "[\"stem\",7,0,{}]") ==
        "refers to call 7 of layer stem, which has 1");
  CHECK(refused("functional", "[\"stem\",0,0,{}]", "[\"relu\",0,0,{}]") ==
        "its layers feed each other in a circle");
  CHECK(refused("functional", "[\"stem\",0,0,{}]", "[\"stem\",0,1,{}]") ==
        "layer stem has no output 1");
}

TEST_CASE("an open input size and an odd shape are refused") {
  CHECK(refused("sequential_2_2", "[null,6,6,2]", "[null,6,-,2]") != "");
  CHECK(refused("dense", "[null,6]", "[null,0]") ==
        "layer d1_input (InputLayer): its input has an open size: [null,0]");
  CHECK(refused("shapes", "\"target_shape\":[6,-1,2]", "\"target_shape\":[7,-1,2]") ==
        "layer back (Reshape): target_shape [7, 2, 2] does not hold 36 elements");
}

TEST_CASE("the extension decides between formats on HDF5, and content where it can") {
  CHECK(format_of(fixture("dense")).name == "keras");
  const ScratchFolder scratch;
  tests::spill(scratch.file("dense"), tests::slurp(fixture("dense")));
  CHECK(format_of(scratch.file("dense")).name == "keras");
  tests::spill(scratch.file("renamed.h5"), tests::slurp("tests/formats/golden/mlp_v1.pare"));
  CHECK(format_of(scratch.file("renamed.h5")).name == "pare");
}

TEST_CASE("MLPerf Tiny's models have the parameters they are published with") {
  const char* data = std::getenv("PARE_TEST_DATA");
  const std::string folder = std::string(data ? data : "../shared/data") + "/models/mlperf-tiny/";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("skipped: " << folder << " is not there");
    return;
  }
  const auto parameters = [](const ir::Model& model) {
    int64_t count = 0;
    for (const auto& entry : model.parameters.entries()) count += entry.tensor.count();
    return count;
  };
  const ir::Model resnet = read(folder + "pretrainedResnet.h5");
  CHECK(parameters(resnet) == 78'666);
  CHECK(std::ranges::count(operators(resnet), "Transpose") == 0);
  CHECK(parameters(read(folder + "ad01.h5")) == 269'992);
}

}  // namespace pare::formats
