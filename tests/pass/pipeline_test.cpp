// SPDX-License-Identifier: Apache-2.0
// The text form of pipelines: print and parse are inverse, and what is malformed is refused.
#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/pass/pass.hpp"

namespace pare::pass {
namespace {

Pipeline with_value(const Json& value) {
  PipelineStep step{.pass = "prune"};
  step.options["x"] = value;
  return {step, step};
}

TEST_CASE("the example of the documentation parses to what it says and prints back") {
  const std::string text = "prune{sparsity=0.5},quantize{bits=4 group_size=64}";
  const Pipeline pipeline = parse_pipeline(text);
  REQUIRE(pipeline.size() == 2);
  CHECK(pipeline[0].pass == "prune");
  CHECK(pipeline[0].options["sparsity"] == 0.5);
  CHECK(pipeline[1].options["group_size"] == 64);
  CHECK(to_text(pipeline) == text);
}

TEST_CASE("spaces, commas between options and hyphens in names are accepted") {
  const Pipeline pipeline = parse_pipeline(" prune { sparsity=0.5, group-size=2 } , quantize ");
  CHECK(to_text(pipeline) == "prune{sparsity=0.5 group_size=2},quantize");
}

TEST_CASE("words that look like something else come back as the words they are") {
  for (const char* word : {"",
                           " ",
                           "a b",
                           "true",
                           "null",
                           "12",
                           "-1",
                           "1e5",
                           "0x10",
                           "NaN",
                           "{",
                           "}",
                           "a}b",
                           "a,b",
                           "[",
                           "]",
                           "[1",
                           "a=b",
                           "\"",
                           "\"quoted\"",
                           "back\\slash",
                           "\\",
                           "tab\there",
                           "line\nbreak",
                           "caf\xC3\xA9",
                           "conv1:*.weight",
                           "/path/to file",
                           "stage1.*",
                           "a\"b c",
                           "'",
                           "//",
                           "layer[0]"}) {
    CAPTURE(word);
    const Pipeline pipeline = with_value(word);
    CHECK(parse_pipeline(to_text(pipeline)) == pipeline);
  }
}

TEST_CASE("random words, numbers and lists survive print and parse") {
  Rng rng(1);
  constexpr std::string_view kAlphabet = "ab1 .,-{}[]\"\\=:*\t\n/'eE+tru";
  const auto word = [&] {
    std::string out;
    for (int64_t n = rng.below(8); n > 0; --n)
      out += kAlphabet[static_cast<size_t>(rng.below(kAlphabet.size()))];
    return out;
  };
  for (int i = 0; i < 3000; ++i) {
    Json list = Json::array({word(), word(), rng.below(100)});
    const Json number = static_cast<double>(rng.normal());
    const Json integer = static_cast<int64_t>(rng.next());
    for (const Json& value : {Json(word()), list, number, integer, Json(i % 2 == 0)}) {
      const Pipeline pipeline = with_value(value);
      const std::string text = to_text(pipeline);
      CAPTURE(text);
      REQUIRE(parse_pipeline(text) == pipeline);
    }
  }
}

TEST_CASE("malformed text is refused with a column") {
  for (const char* text : {"", ",", "prune,", "prune{", "prune{x", "prune{x}", "prune{x=}",
                           "prune{x=1", "prune}", "prune{x=1}}", "prune{x=1 x=2}", "prune{x=\"a}",
                           "prune{x=[1}", "prune{x=\"\\", "prune quantize", "{x=1}", "\xFF"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_pipeline(text), UsageError);
  }
  try {
    parse_pipeline("prune{sparsity:0.5}");
    FAIL("accepted");
  } catch (const UsageError& e) {
    CHECK(std::string(e.what()) == "pipeline: '=' is expected at column 15");
  }
}

}  // namespace
}  // namespace pare::pass
