// SPDX-License-Identifier: Apache-2.0
// Whole networks as C source, compiled as a user would and compared with the runtime.
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <doctest/doctest.h>

#include "formats/c/c_format.hpp"
#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/runtime/session.hpp"
#include "quantize/passes.hpp"
#include "tests/formats/c/compiled.hpp"
#include "tests/pass/small_networks.hpp"

namespace pare::tests {
namespace {

struct Network {
  const char* architecture;
  ir::Dims item;
};

const std::vector<Network>& networks() {
  static const std::vector<Network> kNetworks = {
      {"lenet5", {1, 28, 28}}, {"resnet8:width=8", {3, 32, 32}}, {"dscnn:width=16", {1, 49, 10}}};
  return kNetworks;
}

ir::Model built(const Network& network) {
  ir::Model model = ir::build_architecture(network.architecture, network.item, 10);
  ir::initialise(model, 1);
  return model;
}

ir::Model quantized(const ir::Model& model, const ir::Dims& item, const std::string& scheme) {
  const pass::Context context{.calibration = noise(item, 30, 5)};
  return apply(quantize::passes().front(), model, Json{{"scheme", scheme}}, context);
}

TEST_CASE("float networks compile without a warning and pass their self-test") {
  if (!has_c_compiler()) return;
  for (const Network& network : networks()) {
    CAPTURE(network.architecture);
    // Sums of at most 800 terms over at most 10 steps, in another order than the runtime's: 10 * 4
    // * sqrt(800) * 2^-24 = 7e-5 of the largest output (see golden.cpp).
    check_compiled(built(network), false, 7e-5F);
  }
}

TEST_CASE("int8 networks give the runtime's outputs bit for bit") {
  if (!has_c_compiler()) return;
  for (const Network& network : networks()) {
    CAPTURE(network.architecture);
    check_compiled(quantized(built(network), network.item, "w8a8"), true);
  }
}

TEST_CASE("networks of 4-bit weights on codes give the runtime's outputs bit for bit") {
  if (!has_c_compiler()) return;
  // Groups that do not divide the rows, and rows of an odd number of codes.
  const Network networks_with_tails[] = {{"mlp:75-33-10", {75}}, {"lenet5", {1, 28, 28}}};
  for (const Network& network : networks_with_tails) {
    CAPTURE(network.architecture);
    const ir::Model model = quantized(built(network), network.item, "w4a8");
    check_compiled(model, true);
    const test::Folder folder;
    formats::write_c(model, folder.at("net.c"));
    CHECK(test::read_file(folder.at("net.c")).find("dense_u8_groups") != std::string::npos);
  }
}

TEST_CASE("weights of 8 and 4 bits stay packed and decode to the runtime's values") {
  if (!has_c_compiler()) return;
  const Network& network = networks()[1];
  for (const char* scheme : {"w8a16", "w4a16"}) {
    CAPTURE(scheme);
    const ir::Model model = quantized(built(network), network.item, scheme);
    check_compiled(model, false, 7e-5F);
    const test::Folder folder;
    formats::write_c(model, folder.at("net.c"));
    CHECK(test::read_file(folder.at("net.c")).find("decode_row_function") != std::string::npos);
  }
}

TEST_CASE("a residual is added where it lies: two planes hold the widest block") {
  const test::Folder folder;
  const Network& network = networks()[1];
  formats::write_c(quantized(built(network), network.item, "w8a8"), folder.at("net.c"));
  const std::string header = test::read_file(folder.at("net.h"));
  // Two of 8 channels of 32 x 32 codes, and the i32 sums of one row.
  CHECK(header.find("#define NET_RAM_BYTES 16512\n") != std::string::npos);
}

TEST_CASE("passing codes skips the conversion of the input") {
  if (!has_c_compiler()) return;
  const Network& network = networks()[0];
  const ir::Model model = quantized(built(network), network.item, "w8a8");
  const test::Folder folder;
  formats::write_c(model, folder.at("net.c"));
  const Library library(folder, "net");
  const ir::ActivationQuant quant = *model.main().value(model.main().inputs.front()).quant;
  std::vector<uint8_t> codes(28 * 28);
  std::vector<float> values(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<uint8_t>(i * 37 % 256);
    values[i] = quant.scale * static_cast<float>(codes[i] - quant.zero_point);
  }
  CHECK(library.run_quantized(codes, 10) == library.run(values, 10));
}

// The file with the first weight of the array `name` one higher.
std::string with_other_weight(const std::string& text, const std::string& name) {
  const size_t array = text.find(" " + name + "[");
  REQUIRE(array != std::string::npos);
  const size_t first = text.find('{', array) + 4;  // "{\n  "
  const size_t end = text.find(',', first);
  const int value = std::stoi(text.substr(first, end - first));
  return text.substr(0, first) + std::to_string(value < 100 ? value + 1 : value - 1) +
         text.substr(end);
}

TEST_CASE("one weight of another value fails the self-test") {
  if (!has_c_compiler()) return;
  const Network& network = networks()[1];
  const ir::Model model = quantized(built(network), network.item, "w8a8");
  const test::Folder folder;
  formats::write_c(model, folder.at("net.c"));
  const std::string text = test::read_file(folder.at("net.c"));
  const std::string first_layer = model.main().nodes().front().name;
  test::write_file(folder.at("net.c"), with_other_weight(text, first_layer + "_weight"));
  const test::Finished failed = self_test(folder, "net.c");
  CHECK(failed.code == 1);
  CHECK(failed.out.ends_with("FAIL net\n"));
}

TEST_CASE("the MLPerf Tiny networks, read from Keras, pass their self-test as C") {
  const char* data = std::getenv("PARE_TEST_DATA");
  const std::string models = std::string(data != nullptr ? data : "") + "/models/mlperf-tiny/";
  if (!has_c_compiler()) return;
  for (const auto& [file, item] :
       {std::pair{"pretrainedResnet.h5", ir::Dims{3, 32, 32}}, {"ad01.h5", ir::Dims{640}}}) {
    CAPTURE(file);
    if (!std::filesystem::exists(models + file)) {
      std::cout << "skipped: no " << models << file << "\n";
      continue;
    }
    const ir::Model model = formats::read(models + file);
    // Nine steps of at most 640 terms, or ten of 576: 10 * 4 * sqrt(640) * 2^-24.
    check_compiled(model, false, 6.1e-5F);
    // The softmax of ResNet8 rounds; what it is computed from does not.
    check_compiled(quantized(model, item, "w8a8"), false, 1e-6F);
  }
}

TEST_CASE("the same model gives the same bytes") {
  const test::Folder folder;
  const ir::Model model = quantized(built(networks()[0]), networks()[0].item, "w8a8");
  formats::write(model, folder.at("a.c"));
  const std::string source = test::read_file(folder.at("a.c"));
  const std::string header = test::read_file(folder.at("a.h"));
  formats::write(model, folder.at("a.c"));
  CHECK(test::read_file(folder.at("a.c")) == source);
  CHECK(test::read_file(folder.at("a.h")) == header);
  CHECK(folder.names() == std::vector<std::string>{"a.c", "a.h"});
}

TEST_CASE("neither file appears when one cannot be written") {
  const test::Folder folder;
  const ir::Model model = built(networks()[0]);
  std::filesystem::create_directory(folder.at("net.h"));
  CHECK_THROWS_AS(formats::write_c(model, folder.at("net.c")), Error);
  CHECK(folder.names() == std::vector<std::string>{"net.h"});
  CHECK_THROWS_AS(formats::write_c(model, folder.at("missing/net.c")), Error);
  CHECK_THROWS_AS(formats::write_c(model, folder.at("net.h")), Error);
  CHECK_THROWS_AS(formats::write_c(model, folder.at("a\"b.c")), Error);
}

}  // namespace
}  // namespace pare::tests
