// SPDX-License-Identifier: Apache-2.0
// The tuning file: what is compared, and that it reads back as it was written.
#include "lib/runtime/tuning.hpp"

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

using namespace pare;
using runtime::LayerComparison;
using runtime::LayerTiming;

namespace {

LayerTiming timing(const std::string& node, bool integer, double us, int64_t macs = 9) {
  LayerTiming out;
  out.step.main = node;
  out.step.integer = integer;
  out.step.macs = macs;
  out.median_us = us;
  return out;
}

}  // namespace

TEST_CASE("layers are compared that run in float in one model and in integers in the other") {
  const auto layers = runtime::compare_layers(
      {timing("a", false, 10), timing("pool", false, 3, 0), timing("b", false, 5),
       timing("c", false, 1)},
      {timing("input", false, 1, 0), timing("a", true, 4), timing("pool", true, 9, 0),
       timing("b", false, 5), timing("c", true, 2)});
  CHECK(layers == std::vector<LayerComparison>{{"a", 10, 4}, {"c", 1, 2}});
  CHECK(!layers[0].slower_in_integers());
  CHECK(layers[1].slower_in_integers());
}

TEST_CASE("a tuning reads back as it was written") {
  const std::vector<LayerComparison> layers = {{"a", 10, 4.5}, {"Zürich \"b\"", 1.25, 2}};
  const std::string text = to_text(runtime::tuning_json(layers, 1, 2), 2);
  CHECK(runtime::parse_tuning(text, "t.json") == layers);
}

TEST_CASE("what is no tuning is refused by name") {
  for (const char* text :
       {"", "[]", "{}", R"({"schema_version": 2, "layers": []})", R"({"schema_version": 1})",
        R"({"schema_version": 1, "layers": [1]})", R"({"schema_version": 1, "layers": [{}]})",
        R"({"schema_version": 1, "layers": [{"node": "a", "float_us": 1}]})",
        R"({"schema_version": 1, "layers": [{"node": "a", "float_us": -1, "integer_us": 1}]})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(runtime::parse_tuning(text, "t.json"), Error);
  }
}
