// SPDX-License-Identifier: Apache-2.0
// Weights that come alone take a graph from elsewhere; the gate orders are those of the operator
// reference of ONNX and the documentation of torch.nn.LSTM and GRU.
#include "formats/join_weights.hpp"

#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "formats/parameter_roles.hpp"
#include "formats/recurrent_weights.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/ir/ops.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::refusal;

// The architecture's weights, drawn, without their graph and under other names.
template <class Rename>
ir::Model weights_of(const std::string& spec, const Rename& rename) {
  ir::Model drawn = ir::build_architecture(spec, {1, 28, 28}, 10);
  ir::initialise(drawn, 5);
  ir::Model weights;
  for (const auto& [name, tensor] : drawn.parameters.entries()) {
    if (ir::info(tensor.dtype()).is_float) weights.parameters.set(rename(name), tensor);
  }
  return weights;
}

ir::Model drawn(const std::string& spec) {
  ir::Model model = ir::build_architecture(spec, {1, 28, 28}, 10);
  ir::initialise(model, 5);
  return model;
}

struct Joined {
  ir::Model model;
  std::vector<std::string> notes;
};

Joined join(const ir::Model& weights, const std::string& architecture) {
  Joined out;
  out.model = join_weights(weights, "w.pt",
                           {.architecture = architecture,
                            .note = [&](const std::string& note) { out.notes.push_back(note); }});
  ir::verify(out.model);
  return out;
}

}  // namespace

TEST_CASE("weights of the same names are joined and counted") {
  const auto joined = join(weights_of("resnet8", [](auto name) { return name; }), "resnet8");
  CHECK(tests::difference(joined.model, drawn("resnet8")) == "");
  REQUIRE(joined.notes.size() == 2);
  CHECK(joined.notes[0] == "the graph is resnet8 for items of [1, 28, 28]");
  CHECK(joined.notes[1] == "39 parameters matched resnet8");
}

TEST_CASE("other frameworks' names for the same things match") {
  const auto rename = [](std::string name) {
    const auto replace = [&](const std::string& from, const std::string& to) {
      if (name.ends_with(from)) name.replace(name.size() - from.size(), from.size(), to);
    };
    replace(".scale", ".gamma");
    replace(".mean", ".running_mean");
    replace(".var", ".moving_variance");
    return "backbone." + name;
  };
  CHECK(tests::difference(join(weights_of("resnet8", rename), "resnet8").model, drawn("resnet8")) ==
        "");
}

TEST_CASE("nameless weights match by their order when every shape has its number") {
  int next = 0;
  const auto rename = [&](const std::string& name) {
    return "t" + std::to_string(next++) + name.substr(name.rfind('.'));
  };
  const auto joined = join(weights_of("lenet5", rename), "lenet5");
  CHECK(tests::difference(joined.model, drawn("lenet5")) == "");
  CHECK(joined.notes[1] == "10 parameters matched lenet5, 10 of them by their order");
}

TEST_CASE("what is missing or left over is named") {
  ir::Model weights = weights_of("lenet5", [](auto name) { return name; });
  weights.parameters.erase("fc1.bias");
  weights.parameters.set("extra", ir::Tensor::f32({3}, std::vector<float>(3)));
  weights.parameters.set("conv1.num_batches_tracked", ir::Tensor::i64({}, std::vector<int64_t>{7}));
  CHECK(
      refusal([&] { join(weights, "lenet5"); }) ==
      "w.pt: does not fit lenet5: 9 parameters matched, missing fc1.bias [120]; the file has left "
      "over extra [3]");
}

TEST_CASE("a model with a graph needs no other") {
  CHECK(refusal([&] { join(drawn("lenet5"), "lenet5"); }) ==
        "--arch: has no effect: w.pt has a graph of its own");
}

TEST_CASE("a matrix that multiplies from the right is transposed") {
  const tests::ScratchFolder scratch;
  ir::Model model;
  ir::Graph graph;
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  model.parameters.set("fc.weight", ir::Tensor::f32({2, 3}, values));
  const ir::ValueId x = graph.add_input("x", {ir::Dim("n"), ir::Dim(2)});
  graph.outputs = {
      graph.add("MatMul", {x, graph.add_parameter("fc.weight", ir::DType::kF32, {2, 3})}, {}, "y")};
  ir::infer_shapes(model, graph);
  model.graphs.push_back(graph);
  write(model, scratch.file("graph.pare"));
  ir::Model weights;
  weights.parameters.set("fc.weight",
                         ir::Tensor::f32({3, 2}, std::vector<float>{1, 4, 2, 5, 3, 6}));
  const ir::Model joined = join_weights(weights, "w.pt", {.graph = scratch.file("graph.pare")});
  CHECK(ir::to_f32(joined.parameters.at("fc.weight")) == values);
}

TEST_CASE("gates of PyTorch's recurrent layers are put in ONNX's order") {
  // One row a gate: i f g o of LSTM, r z n of GRU.
  CHECK(gates_for_onnx({1, 2, 3, 4}, true) == std::vector<float>{1, 4, 2, 3});
  CHECK(gates_for_onnx({1, 1, 2, 2, 3, 3}, false) == std::vector<float>{2, 2, 1, 1, 3, 3});
}

TEST_CASE("names are compared word by word") {
  CHECK(canonical_words("Encoder/Conv_1/kernel:0") ==
        std::vector<std::string>{"encoder", "conv", "1", "weight"});
  CHECK(role_of_name("bn.running_var") == "var");
  CHECK(ends_alike(canonical_words("a.fc.bias"), canonical_words("fc.beta")));
  CHECK_FALSE(ends_alike(canonical_words("fc1.bias"), canonical_words("fc.bias")));
}

TEST_CASE("published ResNet checkpoints fit their architectures") {
  const char* data = std::getenv("PARE_TEST_DATA");
  const std::string folder =
      std::string(data ? data : "../shared/data") + "/models/resnet-cifar10/";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("skipped: no ", folder);
    return;
  }
  for (const auto& [file, arch, matched] :
       {std::tuple{"resnet20-12fca82f.th", "resnet20-cifar", "97"},
        std::tuple{"resnet56-4bfd9763.th", "resnet56-cifar", "277"}}) {
    std::vector<std::string> notes;
    const ir::Model model = read(
        folder + file,
        {.architecture = arch, .note = [&](const std::string& note) { notes.push_back(note); }});
    CHECK(notes.back() == std::string(matched) + " parameters matched " + arch);
    CHECK(model.main().value(model.main().inputs[0]).shape ==
          ir::Shape{ir::Dim("batch"), ir::Dim(3), ir::Dim(32), ir::Dim(32)});
  }
}

TEST_CASE("weights in Keras's order of axes join no graph, which is said") {
  const std::string file = "tests/formats/keras/fixtures/weights.h5";
  CHECK(tests::refusal([&] { read(file, {.architecture = "mlp"}); })
            .starts_with(
                file +
                ": holds the weights of a Keras model, in its order of axes, and joins no graph"));
}

}  // namespace pare::formats
