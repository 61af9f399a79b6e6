// SPDX-License-Identifier: Apache-2.0
// Names and numbers as they go into C.
#include <bit>
#include <cstdlib>
#include <limits>

#include <doctest/doctest.h>

#include "formats/c/identifiers.hpp"
#include "formats/c/kernel_text.hpp"
#include "formats/c/literals.hpp"
#include "lib/core/rng.hpp"

namespace pare::formats::c {
namespace {

TEST_CASE("identifiers are plain, start with a letter and are no keywords") {
  CHECK(identifier("conv1") == "conv1");
  CHECK(identifier("resnet8.int8") == "resnet8_int8");
  CHECK(identifier("/stage1/block-2//conv.weight") == "stage1_block_2_conv_weight");
  CHECK(identifier("2conv") == "model_2conv");
  CHECK(identifier("__x__") == "x");
  CHECK(identifier("int") == "model_int");
  CHECK(identifier("class") == "model_class");
  CHECK(identifier("") == "model");
  CHECK(identifier("\xE2\x82\xAC") == "model");
  CHECK(identifier(std::string(500, 'a')).size() <= 70);
}

TEST_CASE("names are handed out once") {
  Names names({"conv"});
  CHECK(names.unique("conv") == "conv_2");
  CHECK(names.unique("conv") == "conv_3");
  CHECK(names.unique("dense") == "dense");
}

TEST_CASE("text from a file cannot leave its comment") {
  CHECK(plain_text("a*/\n#include <x>\\") == "a____include _x__");
  CHECK(plain_text("what?\?/") == "what___");
  CHECK(plain_text("conv1+relu: [1, 2]") == "conv1+relu: [1, 2]");
}

TEST_CASE("float literals read back as the same bits") {
  CHECK(literal(1.0F) == "1.0f");
  CHECK(literal(-0.0F) == "-0.0f");
  CHECK(literal(0.1F) == "0.1f");
  CHECK(literal(1e30F) == "1e+30f");
  CHECK(literal(std::numeric_limits<float>::infinity()) == "INFINITY");
  CHECK(literal(-std::numeric_limits<float>::infinity()) == "-INFINITY");
  Rng rng(1);
  for (int i = 0; i < 10000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(rng.next()));
    if (!(std::abs(value) < std::numeric_limits<float>::infinity())) continue;
    const std::string text = literal(value);
    REQUIRE(text.find_first_of(".e") != std::string::npos);
    CHECK(std::bit_cast<uint32_t>(std::strtof(text.c_str(), nullptr)) ==
          std::bit_cast<uint32_t>(value));
  }
}

TEST_CASE("the smallest i32 is no literal that needs 64 bits") {
  CHECK(literal(std::numeric_limits<int32_t>::min()) == "INT32_MIN");
  CHECK(literal(std::numeric_limits<int32_t>::max()) == "2147483647");
}

TEST_CASE("calls and tables wrap at 100 columns") {
  const std::vector<std::string> arguments(30, "argument");
  const std::string call = call_text("kernel", arguments, 2);
  const std::vector<int8_t> values(300, int8_t{-100});
  const std::string table = initializer(std::span<const int8_t>(values), 2);
  for (const std::string& text : {call, table}) {
    size_t begin = 0;
    for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      CHECK(end - begin <= 100);
      begin = end + 1;
    }
  }
}

TEST_CASE("every kernel brings what it needs, in order, without our file headers") {
  for (const KernelText& kernel : kernel_texts()) {
    const std::string code = kernel_code({std::string(kernel.name)});
    CHECK(code.find("SPDX") == std::string::npos);
    CHECK(code.find("needs:") == std::string::npos);
  }
  const std::string code = kernel_code({"conv_u8"});
  CHECK(code.find("static uint8_t nearest_code") < code.find("static void conv_u8"));
}

}  // namespace
}  // namespace pare::formats::c
