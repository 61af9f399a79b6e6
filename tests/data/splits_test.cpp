// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "lib/data/array.hpp"
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

namespace {

// One feature an item: its index, so that items can be told apart wherever they end up.
RawData numbered(int64_t items, int64_t classes) {
  RawData raw;
  raw.info = {.source = "numbered", .kind = "npz", .item = {1}};
  raw.train = Array{.source = "numbered"};
  for (int64_t i = 0; i < items; ++i) {
    raw.train->floats.push_back(static_cast<float>(i));
    raw.train->labels.push_back(i % classes);
  }
  raw.info.classes = classes_of_integer_labels(raw);
  return raw;
}

std::set<float> items_of(const Dataset& dataset) {
  std::set<float> out;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    float value = 0;
    dataset.read(i, std::span(&value, 1));
    out.insert(value);
  }
  return out;
}

struct Warnings : pare::Progress {
  std::vector<std::string> lines;
  void warn(std::string_view line) override { lines.emplace_back(line); }
};

}  // namespace

TEST_CASE("validation is cut from train: disjoint, complete, in proportion, always the same") {
  const Splits splits = make_splits(numbered(1000, 7), {.validation_fraction = 0.08});
  CHECK(splits.validation->size() == 80);
  CHECK(splits.train->size() == 920);
  std::set<float> all = items_of(*splits.train);
  CHECK(all.size() == 920);
  all.merge(items_of(*splits.validation));
  CHECK(all.size() == 1000);
  std::vector<int> counts(7);
  for (int64_t i = 0; i < 80; ++i) ++counts[static_cast<size_t>(splits.validation->label(i))];
  for (const int count : counts) CHECK((count == 11 || count == 12));
  const Splits again = make_splits(numbered(1000, 7), {.validation_fraction = 0.08});
  CHECK(items_of(*again.validation) == items_of(*splits.validation));
  const Splits other =
      make_splits(numbered(1000, 7), {.validation_fraction = 0.08, .split_seed = 1});
  CHECK(items_of(*other.validation) != items_of(*splits.validation));
}

TEST_CASE("the preprocessing is measured on train without validation") {
  const Splits splits = make_splits(numbered(1000, 7), {.validation_fraction = 0.5});
  double sum = 0;
  for (const float v : items_of(*splits.train)) sum += v;
  // f32 rounding of a mean near 500 is at most 2^-16.
  CHECK(std::abs(splits.train->info().preprocessing.mean[0] - sum / 500) < 1e-4);
  CHECK(splits.train->info().preprocessing.stated);
}

TEST_CASE("a sample keeps the class proportions and depends on the seed alone") {
  const Splits splits = make_splits(numbered(900, 3), {.validation_fraction = 0});
  const auto a = sample(splits.train, 30, 5);
  const auto b = sample(splits.train, 30, 5);
  const auto c = sample(splits.train, 30, 6);
  CHECK(a->size() == 30);
  CHECK(a->fingerprint() == b->fingerprint());
  CHECK(a->fingerprint() != c->fingerprint());
  std::vector<int> counts(3);
  for (int64_t i = 0; i < 30; ++i) ++counts[static_cast<size_t>(a->label(i))];
  CHECK(counts == std::vector<int>{10, 10, 10});
  CHECK(sample(splits.train, 5000, 0) == splits.train);
  CHECK_THROWS_AS(sample(splits.train, 0, 0), pare::UsageError);
}

TEST_CASE("a subset has the fingerprint of the same items held alone") {
  const Splits whole = make_splits(numbered(10, 2), {.validation_fraction = 0});
  const Splits half = make_splits(numbered(4, 2), {.validation_fraction = 0});
  CHECK(subset(whole.train, {0, 1, 2, 3})->fingerprint() == half.train->fingerprint());
  CHECK(subset(whole.train, {1, 0, 2, 3})->fingerprint() != half.train->fingerprint());
}

TEST_CASE("the limit applies to every split") {
  const Splits splits = make_splits(numbered(100, 4), {.validation_fraction = 0.4, .limit = 8});
  CHECK(splits.train->size() == 8);
  CHECK(splits.validation->size() == 8);
}

TEST_CASE("a class without items is warned of, labels out of range are refused") {
  RawData gap = numbered(12, 4);
  for (int64_t& label : gap.train->labels) label = label == 2 ? 1 : label;
  Warnings warnings;
  make_splits(std::move(gap), {.progress = &warnings});
  REQUIRE(warnings.lines.size() == 1);
  CHECK(contains(warnings.lines[0], "no item of 1 of 4 classes: 2"));

  RawData negative = numbered(12, 4);
  negative.train->labels[5] = -1;
  CHECK_THROWS_WITH(make_splits(std::move(negative), {}),
                    "numbered: item 5 has label -1, expected 0 to 3");
  RawData above = numbered(12, 4);
  above.train->labels[5] = 4;
  CHECK_THROWS_AS(make_splits(std::move(above), {}), pare::Error);
}

TEST_CASE("nothing there is one clear line") {
  CHECK(contains(refusal("/no/such/path"), "no such file or folder"));
  const Folder folder;
  CHECK(contains(refusal(folder.path()), folder.path()));
}
