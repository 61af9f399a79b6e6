// SPDX-License-Identifier: Apache-2.0
// Ways an .onnx file can be wrong (corpus/, make_corpus.py) and damaged copies of files that are
// right: one line that names the file, never a crash or a hang.
#include <filesystem>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "formats/formats.hpp"
#include "lib/ir/graph_builder.hpp"
#include "tests/formats/damage.hpp"
#include "tests/formats/replay.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

const std::string kCorpus = "tests/formats/onnx/corpus/";

// The refusal of a file of the corpus, without its path.
std::string refused(const std::string& name) {
  const std::string path = kCorpus + name + ".onnx";
  const std::string text = tests::read_wholly(path);
  return text.empty() ? text : text.substr(path.size() + 2);
}

// x [batch, 4] -> codes -> Gemm with int8 weights -> codes.
ir::Model quantized_layer() {
  ir::GraphBuilder builder({4});
  ir::Model model = builder.finish(builder.gemm(builder.input(), 3, "fc"), Json::object());
  model.parameters.set("fc.weight", tests::int8_weight({3, 4}, 1));
  for (const ir::ValueId id : {model.main().inputs[0], model.main().outputs[0]}) {
    model.main().value(id).quant = ir::ActivationQuant{.scale = 0.1F, .zero_point = 3};
  }
  return model;
}

}  // namespace

TEST_CASE("tensors whose bytes do not fill their shape are refused") {
  CHECK(refused("dims_overflow") == "w: size overflows");
  CHECK(refused("negative_dims") == "w: size overflows");
  CHECK(refused("too_few_bytes") == "w: holds 4 bytes, its shape takes 16");
  CHECK(refused("unknown_type") == "w: element type type 42");
}

TEST_CASE("external data stays inside the model's folder") {
  CHECK(refused("external_outside") ==
        "w: external data ../../secret lies outside the model's folder");
  CHECK(refused("external_absolute") ==
        "w: external data /etc/passwd lies outside the model's folder");
  CHECK(refused("external_missing").ends_with("none.data: no such file"));
  CHECK(refused("external_empty") == "w: external data names no file");
}

TEST_CASE("operators and names are refused by name") {
  CHECK(refused("unknown_operator") == "y: operator Frobnicate is not supported");
  CHECK(refused("hostile_domain") == "y: operator evil\\x1b[2J\\x0a.Relu is not supported");
  CHECK(refused("undefined_name") == "y: uses z before it is made");
  CHECK(refused("defined_twice") == "y: is defined twice");
  CHECK(refused("if_unknown") ==
        "y: the condition of If is known only at run time; --bind makes inputs constant");
  CHECK(refused("future_opset").starts_with("uses operator set 99, this pare reads 6 to "));
}

TEST_CASE("every file of the corpus is refused or read, without taking memory") {
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  size_t replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    (void)tests::read_wholly(entry.path().string());
    ++replayed;
  }
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(replayed >= 29);
  CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024);  // kilobytes
}

TEST_CASE("a cut .onnx file is refused, except between fields that may be missing") {
  // Files end with metadata_props; PyTorch's end with the operator set.
  CHECK(tests::cuts_read("tests/formats/onnx/fixtures/net_opset9_free.onnx") <= 2);
  const tests::ScratchFolder scratch;
  write(quantized_layer(), scratch.file("m.onnx"), {.opset = 21});
  CHECK(tests::cuts_read(scratch.file("m.onnx")) <= 6);
}

TEST_CASE("whatever byte of an .onnx file is flipped, nothing but a refusal or a model comes out") {
  const tests::ScratchFolder scratch;
  write(quantized_layer(), scratch.file("m.onnx"), {.opset = 21});
  MESSAGE(tests::flips_that_differ(scratch.file("m.onnx")), " flips change the model");
  const std::string shaped = "tests/formats/onnx/fixtures/net_opset9_free.onnx";
  MESSAGE(tests::flips_that_differ(shaped), " flips of a file with shape arithmetic change it");
}

}  // namespace pare::formats
