// SPDX-License-Identifier: Apache-2.0
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

TEST_CASE("glyphs are the same for any thread count and differ by seed and part") {
  const Splits one = open("synthetic:glyphs?train=300&test=100", {.threads = 1});
  const Splits three = open("synthetic:glyphs?train=300&test=100", {.threads = 3});
  CHECK(one.train->fingerprint() == three.train->fingerprint());
  CHECK(one.validation->fingerprint() == three.validation->fingerprint());
  CHECK(one.test->fingerprint() == three.test->fingerprint());
  const Splits other = open("synthetic:glyphs?train=300&test=100&seed=1", {});
  CHECK(one.test->fingerprint() != other.test->fingerprint());
  const Splits small = open("synthetic:glyphs?train=100&test=100", {.validation_fraction = 0});
  CHECK(small.train->fingerprint() != small.test->fingerprint());
}

TEST_CASE("glyphs say what they are: synthetic, balanced, ten named classes") {
  const Splits splits = open("synthetic:glyphs?train=1000&test=50", {.validation_fraction = 0.1});
  const DatasetInfo& info = splits.train->info();
  CHECK(info.kind == "synthetic");
  CHECK(info.item == pare::ir::Dims{1, 28, 28});
  CHECK(info.classes.size() == 10);
  CHECK(splits.train->size() == 900);
  CHECK(splits.validation->size() == 100);
  std::vector<int64_t> counts(10);
  for (int64_t i = 0; i < 900; ++i) ++counts[static_cast<size_t>(splits.train->label(i))];
  for (const int64_t count : counts) CHECK(count == 90);
}

TEST_CASE("a malformed synthetic name is an error in the arguments") {
  for (const char* name :
       {"synthetic:", "synthetic:glyph", "synthetic:glyphsx", "synthetic:glyphs?train=x",
        "synthetic:glyphs?train=-1", "synthetic:glyphs?size=3", "synthetic:glyphs?train=0&test=0",
        "synthetic:glyphs?train=99999999999999999999", "synthetic:glyphs?train"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(open(name, {}), pare::UsageError);
  }
}
