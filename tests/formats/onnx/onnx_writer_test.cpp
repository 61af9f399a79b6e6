// SPDX-License-Identifier: Apache-2.0
// What is written and read again is the same model: parameters, annotations, metadata, and the
// runtime's outputs bit for bit.
#include <algorithm>
#include <array>
#include <sstream>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/ir/graph_builder.hpp"
#include "lib/ir/ops.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/runtime/session.hpp"
#include "tests/formats/random_models.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::refusal;
using tests::ScratchFolder;

ir::Model reread(const ir::Model& model, const WriteOptions& options = {}) {
  const ScratchFolder scratch;
  write(model, scratch.file("m.onnx"), options);
  return read(scratch.file("m.onnx"));
}

std::vector<float> outputs(const ir::Model& model) {
  runtime::Session session(model, {.batch = 2});
  const std::vector<float> x = tests::noise(static_cast<int64_t>(session.input().size()), 5);
  std::copy(x.begin(), x.end(), session.input().begin());
  session.run();
  return {session.output().begin(), session.output().end()};
}

// The listing of a model's graph, its parameters in alphabetical order, and their bytes.
std::vector<std::string> listing(const ir::Model& model) {
  std::istringstream text(ir::dump(model));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  std::ranges::sort(lines);
  return lines;
}

// "" or the name of a parameter that differs.
std::string changed_parameter(const ir::Model& a, const ir::Model& b) {
  if (a.parameters.entries().size() != b.parameters.entries().size()) return "count";
  for (const auto& entry : a.parameters.entries()) {
    if (!b.parameters.contains(entry.name)) return entry.name + " is missing";
    ir::Model left, right;
    left.parameters.set("t", entry.tensor);
    right.parameters.set("t", b.parameters.at(entry.name));
    const std::string found = tests::difference(left, right);
    if (!found.empty()) return entry.name + " " + found;
  }
  return "";
}

void check_same(const ir::Model& before, const WriteOptions& options) {
  const ir::Model after = reread(before, options);
  CHECK(changed_parameter(before, after) == "");
  CHECK(listing(before) == listing(after));
  CHECK(to_text(ir::to_json(after.metadata)) == to_text(ir::to_json(before.metadata)));
  CHECK(outputs(after) == outputs(before));
}

// Each of the operator sets in turn.
int opset_of(uint64_t seed) { return std::array{13, 17, 21}[seed % 3]; }

}  // namespace

TEST_CASE("random float models survive every operator set") {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    check_same(tests::random_network(seed, false), {.opset = opset_of(seed)});
  }
}

TEST_CASE("random quantized models keep their codes and compute the same bits") {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    check_same(tests::random_network(seed, true), {.opset = opset_of(seed)});
  }
}

TEST_CASE("an int8 ResNet8 comes back with codes, scales and annotations") {
  for (const int opset : {13, 17, 21}) check_same(tests::int8_resnet8(), {.opset = opset});
}

TEST_CASE("grouped 4-bit codes are kept at operator set 21 and become f32 below, which is said") {
  ir::Model model = tests::small_mlp();
  model.assets.clear();
  check_same(model, {.opset = 21});
  std::vector<std::string> notes;
  const ir::Model lower =
      reread(model, {.opset = 17, .note = [&](const std::string& n) { notes.push_back(n); }});
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].starts_with("operator set 17 cannot hold the codes of 1 tensor"));
  CHECK(lower.parameters.at("layers/0.weight").is_plain());
  CHECK(outputs(lower) == outputs(model));
  CHECK(lower.metadata.history.back().pass == "convert");
}

TEST_CASE("a convolution that another runtime would compute in f32 is said") {
  const ScratchFolder scratch;
  std::vector<std::string> notes;
  const WriteOptions options{.note = [&](const std::string& n) { notes.push_back(n); }};
  ir::Model model = tests::int8_resnet8();
  ir::Graph& graph = model.main();
  for (const ir::Node& node : graph.nodes()) {
    if (node.op == "Conv") graph.value(node.outputs[0]).quant.reset();
    if (node.op == "Relu") graph.value(node.outputs[0]).quant = ir::ActivationQuant{.scale = 0.1F};
  }
  write(model, scratch.file("m.onnx"), options);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("no codes of their own before a residual addition") != std::string::npos);
  for (const ir::Node& node : graph.nodes()) {
    if (node.op == "Conv") graph.value(node.outputs[0]).quant = ir::ActivationQuant{.scale = 0.1F};
  }
  notes.clear();
  write(model, scratch.file("m.onnx"), options);
  CHECK(notes.empty());
}

TEST_CASE("the same model gives the same bytes") {
  const ScratchFolder scratch;
  for (const char* name : {"a.onnx", "b.onnx"}) write(tests::int8_resnet8(), scratch.file(name));
  CHECK(tests::slurp(scratch.file("a.onnx")) == tests::slurp(scratch.file("b.onnx")));
}

TEST_CASE("what ONNX cannot hold is refused before anything is written") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.onnx");
  CHECK(refusal([&] { write(tests::every_storage(), path); }) ==
        path + ": weights without a graph cannot be written as ONNX; see --arch and --graph");
  CHECK_THROWS_AS(write(tests::int8_resnet8(), path, {.opset = 11}), UsageError);
  CHECK(scratch.entries() == 0);
}

}  // namespace pare::formats
