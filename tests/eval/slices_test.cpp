// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/slices.hpp"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/core/output_file.hpp"
#include "lib/data/dataset.hpp"
#include "lib/eval/budget.hpp"
#include "tests/eval/scratch.hpp"

namespace pare::eval {
namespace {

std::shared_ptr<const data::Dataset> table_of(const Scratch& scratch, const std::string& text) {
  write_text_file(scratch.file("t.csv"), text);
  return data::open(scratch.file("t.csv"), {.split = "test"}).test;
}

TEST_CASE("a column of categories slices by category, one of numbers by number or quartile") {
  const Scratch scratch;
  std::string text = "sex,kind,age,label\n";
  for (int i = 0; i < 40; ++i) {
    text += std::string(i % 4 == 0 ? "F" : "M") + "," + std::to_string(i % 3) + "," +
            std::to_string(20 + i) + "," + (i % 2 == 0 ? "yes" : "no") + "\n";
  }
  const auto data = table_of(scratch, text);
  const SliceColumn sex = slice_by_column(*data, "sex");
  CHECK(sex.values == std::vector<std::string>{"F", "M"});
  CHECK(sex.of_item[0] == 0);
  CHECK(sex.of_item[1] == 1);
  const SliceColumn kind = slice_by_column(*data, "kind");
  CHECK(kind.values == std::vector<std::string>{"0", "1", "2"});
  CHECK(kind.of_item[5] == 2);
  const SliceColumn age = slice_by_column(*data, "age");
  CHECK(age.values == std::vector<std::string>{"up to 29", "29 to 39", "39 to 49", "above 49"});
  std::vector<int> counts(4);
  for (const int32_t value : age.of_item) ++counts[static_cast<size_t>(value)];
  CHECK(counts == std::vector<int>{10, 10, 10, 10});
  CHECK_THROWS_WITH_AS(slice_by_column(*data, "race"),
                       doctest::Contains("has no column 'race'; it has sex, kind, age"), Error);
  CHECK_THROWS_WITH_AS(slice_by_column(*data, "label"), doctest::Contains("is the label"), Error);
}

TEST_CASE("a slice file with a column that groups nothing is refused") {
  const Scratch scratch;
  write_text_file(scratch.file("s.csv"), "g,h\na,\nb,\n");
  CHECK_THROWS_WITH_AS(read_slices(scratch.file("s.csv"), 2),
                       doctest::Contains("column 'h' puts no item in a slice"), Error);
}

TEST_CASE("a slice file has a column a slicing, a row an item, and may leave items out") {
  const Scratch scratch;
  write_text_file(scratch.file("s.csv"), "site,device\nA,phone\nB,\nA,scanner\n");
  const auto columns = read_slices(scratch.file("s.csv"), 3);
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].of_item == std::vector<int32_t>{0, 1, 0});
  CHECK(columns[1].of_item == std::vector<int32_t>{0, -1, 1});
  write_text_file(scratch.file("one.csv"), "site\nA\nB\nB\n");
  CHECK(read_slices(scratch.file("one.csv"), 3)[0].values == std::vector<std::string>{"A", "B"});
  CHECK_THROWS_WITH_AS(read_slices(scratch.file("s.csv"), 4),
                       doctest::Contains("has 3 rows, the data 4 items"), Error);
}

// 1,000 items of two classes; the candidate fails `lost` of the first group's 500.
std::vector<SliceResult> harmed_slices(int lost) {
  Predictions base;
  base.items = 1000;
  base.class_count = 2;
  std::vector<int64_t> labels(1000, 1);
  base.predicted = labels;
  Predictions candidate = base;
  for (int i = 0; i < lost; ++i) candidate.predicted[static_cast<size_t>(i)] = 0;
  SliceColumn column{"group", {"a", "b", "empty"}, {}};
  for (int i = 0; i < 1000; ++i) column.of_item.push_back(i < 500 ? 0 : 1);
  return compare_slices(base, candidate, labels, std::vector<SliceColumn>{column});
}

TEST_CASE("a harmed group is seen, corrected for the number of groups looked at") {
  const auto slices = harmed_slices(20);
  REQUIRE(slices.size() == 3);
  CHECK(slices[0].drop == 0.04);
  CHECK(slices[0].correct == 480);
  CHECK(slices[0].harmed());
  // Two groups have items: the smallest p counts twice, the other stays.
  CHECK(slices[0].p_holm == doctest::Approx(2.0 * mcnemar_exact_p(20, 0)).epsilon(1e-12));
  CHECK_FALSE(slices[1].harmed());
  CHECK(slices[2].counts.items == 0);
}

TEST_CASE("slices of predicted numbers compare mean absolute errors, corrected by Holm") {
  // 60 items of two targets. The base is off by 1 in both; the candidate by 2 in the first target
  // of group a, there by a little more or less, and as the base elsewhere.
  std::vector<float> truth(120, 0.0F), base(120, 1.0F), candidate(120, 1.0F);
  SliceColumn column{"group", {"a", "b", "few", "none"}, {}};
  for (size_t i = 0; i < 60; ++i) {
    const bool harmed = i % 2 == 0;
    column.of_item.push_back(harmed ? 0 : 1);
    if (harmed) candidate[2 * i] = i % 4 == 0 ? 2.5F : 1.5F;
  }
  column.of_item[1] = 2;
  candidate[2] = 9.0F;
  const auto slices = compare_error_slices(base, candidate, truth, 2, std::vector{column});
  REQUIRE(slices.size() == 4);
  CHECK(slices[0].items == 30);
  CHECK(slices[0].base_mae == 1.0);
  CHECK(slices[0].mae == 1.5);
  CHECK(slices[0].rise == doctest::Approx(0.5));
  // 15 rises of 0.75 and 15 of 0.25: the standard error is 0.25 sqrt(30 / 29 / 30), and t with 29
  // degrees of freedom has 0.975 of its mass below 2.04523.
  CHECK(slices[0].rise_interval.high - 0.5 ==
        doctest::Approx(2.04523 * 0.25 / std::sqrt(29.0)).epsilon(1e-5));
  CHECK(slices[0].p < 1e-10);
  CHECK(slices[0].p_holm == doctest::Approx(3.0 * slices[0].p));
  CHECK(slices[0].harmed());
  CHECK(slices[1].rise == 0.0);
  CHECK(slices[1].p == 1.0);
  CHECK(slices[2].rise == 4.0);
  CHECK_FALSE(slices[2].harmed());  // one item decides nothing
  CHECK(slices[3].items == 0);
}

TEST_CASE("an empty slice can fail a budget but never pass it") {
  const auto judged = [](int lost) {
    const Figure figure = *slice_figure(harmed_slices(lost));
    const Budget budget = parse_budget(R"({"worst_slice_drop": 0.02})", "b.json");
    return judge(budget, Task::kClassification, {figure}).front();
  };
  CHECK(judged(60).verdict == Verdict::kFail);
  CHECK(judged(0).verdict == Verdict::kInconclusive);
  CHECK_FALSE(judged(0).needed.has_value());
}

}  // namespace
}  // namespace pare::eval
