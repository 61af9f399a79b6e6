// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/budget.hpp"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/eval/report/verdicts.hpp"
#include "tests/eval/sample_report.hpp"

namespace pare::eval {
namespace {

std::string refusal_of(const std::string& budget) {
  try {
    parse_budget(budget, "b.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Verdict verdict_on(const Figure& figure, const std::string& budget) {
  const auto verdicts = judge(parse_budget(budget, "b.json"), Task::kClassification, {figure});
  return verdicts.front().verdict;
}

TEST_CASE("a verdict needs the whole interval on one side of the bound") {
  const std::string half_a_point = R"({"accuracy_drop": 0.005})";
  const auto drop = [](int64_t lost, int64_t gained, int64_t items) {
    return paired_drop("accuracy_drop", {.lost = lost, .gained = gained, .items = items});
  };
  CHECK(verdict_on(drop(0, 0, 10000), half_a_point) == Verdict::kPass);
  CHECK(verdict_on(drop(200, 100, 10000), half_a_point) == Verdict::kFail);
  CHECK(verdict_on(drop(175, 125, 10000), half_a_point) == Verdict::kInconclusive);
  CHECK(verdict_on(drop(0, 0, 100), half_a_point) == Verdict::kInconclusive);
  CHECK(verdict_on(drop(0, 0, 1), half_a_point) == Verdict::kInconclusive);
}

TEST_CASE("a minimum is the mirror of a maximum") {
  const std::string ninety = R"({"accuracy": 0.9})";
  CHECK(verdict_on(proportion("accuracy", 9500, 10000), ninety) == Verdict::kPass);
  CHECK(verdict_on(proportion("accuracy", 8500, 10000), ninety) == Verdict::kFail);
  CHECK(verdict_on(proportion("accuracy", 9010, 10000), ninety) == Verdict::kInconclusive);
}

TEST_CASE("exact figures are decided by themselves, a bound included") {
  CHECK(verdict_on({"file_bytes", 1000, Exact{}}, R"({"file_bytes": 1000})") == Verdict::kPass);
  CHECK(verdict_on({"file_bytes", 1001, Exact{}}, R"({"file_bytes": 1000})") == Verdict::kFail);
}

TEST_CASE("what was not measured or was measured too little is inconclusive, never a pass") {
  const auto missing =
      judge(parse_budget(R"({"latency_p50_us": 100})", "b.json"), Task::kClassification, {});
  CHECK(missing[0].verdict == Verdict::kInconclusive);
  CHECK(missing[0].reason == "not measured");
  CHECK(verdict_on({"kl_mean", 0, MeanOfItems{0, 29}}, R"({"kl_mean": 1})") ==
        Verdict::kInconclusive);
  CHECK(verdict_on({"latency_p50_us", 1, MedianOfBlocks{{1, 1, 1}}}, R"({"latency_p50_us": 9})") ==
        Verdict::kInconclusive);
}

TEST_CASE("the number of items said to decide decides, if rates stay as they are") {
  const Budget budget = parse_budget(R"({"accuracy_drop": 0.005})", "b.json");
  const auto judged =
      judge(budget, Task::kClassification,
            {paired_drop("accuracy_drop", {.lost = 16, .gained = 14, .items = 1000})});
  REQUIRE(judged[0].verdict == Verdict::kInconclusive);
  REQUIRE(judged[0].needed.has_value());
  const int64_t n = judged[0].needed->count;
  // A few per cent more, because score intervals do not shrink exactly with the root.
  const auto scaled = [&](int64_t count, double by) {
    return static_cast<int64_t>(std::llround(static_cast<double>(count * n) / 1000.0 * by));
  };
  const PairedCounts enough{scaled(16, 1.1), scaled(14, 1.1), scaled(1000, 1.1)};
  CHECK(judge(budget, Task::kClassification, {paired_drop("accuracy_drop", enough)})[0].verdict ==
        Verdict::kPass);
  const PairedCounts too_few{scaled(16, 0.8), scaled(14, 0.8), scaled(1000, 0.8)};
  CHECK(judge(budget, Task::kClassification, {paired_drop("accuracy_drop", too_few)})[0].verdict ==
        Verdict::kInconclusive);
}

TEST_CASE("the number of items is exact where nothing changed") {
  const Budget budget = parse_budget(R"({"accuracy_drop": 0.01})", "b.json");
  const auto judged =
      judge(budget, Task::kClassification, {paired_drop("accuracy_drop", {.items = 1})});
  // z^2 / (n + z^2) = 0.01.
  const double exact = kZ95 * kZ95 * 99.0;
  CHECK(static_cast<double>(judged[0].needed->count) == doctest::Approx(exact).epsilon(0.01));
}

TEST_CASE("the worst class fails with correction, passes only when all classes do") {
  const auto group = [](const char* name, int64_t lost, int64_t gained) {
    return WorstGroup::Group{name, {.lost = lost, .gained = gained, .items = 1000}};
  };
  const std::string two_points = R"({"worst_class_drop": 0.02})";
  CHECK(verdict_on(*worst_group("worst_class_drop", {group("a", 2, 1), group("b", 1, 2)}),
                   two_points) == Verdict::kPass);
  CHECK(verdict_on(*worst_group("worst_class_drop", {group("a", 2, 1), group("b", 80, 2)}),
                   two_points) == Verdict::kFail);
  CHECK(verdict_on(*worst_group("worst_class_drop", {group("a", 2, 1), group("b", 24, 8)}),
                   two_points) == Verdict::kInconclusive);
  CHECK_FALSE(worst_group("worst_class_drop", {}).has_value());
}

TEST_CASE("budgets that make no sense are refused in one line") {
  CHECK(refusal_of(R"({"acuracy_drop": 0.01})").find("did you mean accuracy_drop?") !=
        std::string::npos);
  CHECK(refusal_of(R"({"accuracy_drop": 1.5})").find("expected -1 to 1 (0.01 is one point)") !=
        std::string::npos);
  CHECK(refusal_of(R"({"accuracy_drop": "1%"})").find("expected a number") != std::string::npos);
  CHECK(refusal_of(R"({"accuracy_drop": 0.01, "accuracy_drop": 0.02})") != "");
  CHECK(refusal_of(R"({"file_bytes": -5})").find("expected at least 1") != std::string::npos);
  CHECK(refusal_of(R"({"confidence": 95, "flips": 0.1})").find("expected 0.5 to 0.9999") !=
        std::string::npos);
  CHECK(refusal_of(R"({"confidence": 0.9})").find("bounds nothing") != std::string::npos);
  CHECK(refusal_of(R"({"accuracy_drop": -0.02, "flips": 0.01})").find("asks for more") !=
        std::string::npos);
  CHECK(refusal_of("[1]") != "");
  CHECK(refusal_of("{") != "");
  CHECK(refusal_of(R"({"accuracy_drop": 0.01, "confidence": 0.9})") == "");
}

TEST_CASE("a key of another task is an error, not a verdict") {
  CHECK_THROWS_WITH_AS(judge(parse_budget(R"({"mae": 1})", "b.json"), Task::kClassification, {}),
                       "b.json: mae: a figure of regression, the task is classification", Error);
}

TEST_CASE("every key has a row of its own and a meaning") {
  for (const BudgetKey& key : budget_keys()) {
    CHECK(find_budget_key(key.name) == &key);
    CHECK_FALSE(key.meaning.empty());
    CHECK(key.lowest < key.highest);
  }
}

TEST_CASE("figures come back from JSON as they were") {
  const std::vector<Figure> figures{
      {"file_bytes", 12345, Exact{}},
      proportion("accuracy", 9, 10),
      paired_drop("accuracy_drop", {.lost = 3, .gained = 1, .items = 10}),
      paired_drop("accuracy_drop_relative", {.lost = 3, .gained = 1, .items = 10, .unit = 0.9}),
      {"kl_mean", 0.25, MeanOfItems{0.5, 77}},
      {"latency_p50_us", 2.5, MedianOfBlocks{{1.5, 2.5, 3.5}}},
      {"peak_memory_bytes", 5, Range{4, 6}},
      *worst_group("worst_class_drop", {{"a", {.lost = 1, .gained = 0, .items = 5}}})};
  const Json json = parse_json(to_text(to_json(figures)), "r.json");
  CHECK(figures_from_json(json, "r.json") == figures);
}

TEST_CASE("figures no report can hold are refused by name") {
  for (const char* text :
       {R"({"a": 1})", R"({"a": {}})", R"({"a": {"value": 1, "count": 3, "items": 2}})",
        R"({"a": {"value": 1, "lost": -1, "gained": 0, "items": 2}})",
        R"({"a": {"value": 1, "lost": 2, "gained": 2, "items": 3}})",
        R"({"a": {"value": 1, "lost": 18446744073709551615, "gained": 1, "items": 2}})",
        R"({"a": {"value": 1, "blocks": []}})", R"({"a": {"value": 1, "blocks": ["x"]}})",
        R"({"a": {"value": 1, "groups": [{"lost": 1}]}})", R"({"accuracy_drop": {"value": 0}})",
        R"({"accuracy_drop": {"value": 0, "lost": 90, "gained": 0, "items": 100}})",
        R"({"latency_p50_us": {"value": 1, "blocks": [5, 5, 5]}})",
        R"({"peak_memory_bytes": {"value": 1, "least": 2, "most": 3}})",
        R"({"a": {"value": 1, "least": 2, "most": 1}})",
        R"({"a": {"value": 1, "standard_error": -1, "items": 50}})", "[]"}) {
    CHECK_THROWS_AS(figures_from_json(parse_json(text, "r.json"), "r.json"), Error);
  }
}

Report judged_report() {
  Report report = sample_report();
  report.candidates[1].figures = {
      paired_drop("accuracy_drop", {.lost = 27, .gained = 18, .items = 10000}),
      {"file_bytes", 29312, Exact{}}};
  report.candidates[2].figures = {
      paired_drop("accuracy_drop", {.lost = 121, .gained = 58, .items = 10000}),
      {"file_bytes", 17840, Exact{}}};
  apply_budget(report, parse_budget(R"({"accuracy_drop": 0.003, "file_bytes": 30000})", "b.json"));
  return report;
}

TEST_CASE("a written report is judged as the report itself was") {
  const Report report = judged_report();
  const auto before = judged_of(report);
  CHECK(worst_of(before[0].verdicts) == Verdict::kPass);
  CHECK(worst_of(before[1].verdicts) == Verdict::kFail);
  CHECK(worst_verdict(before) == Verdict::kFail);
  WrittenReport written = parse_report(to_text(to_json(report)), "r.json");
  for (Judged& candidate : written.candidates) {
    candidate.verdicts = judge(*report.budget, written.task, candidate.figures);
  }
  CHECK(gate_json(*report.budget, written.candidates) == gate_json(*report.budget, before));
}

TEST_CASE("texts that are no report are refused") {
  for (const char* text : {"", "{}", "[]", R"({"schema_version": 99})",
                           R"({"schema_version": 1, "task": "x", "candidates": []})",
                           R"({"schema_version": 1, "task": "classification", "candidates": []})",
                           R"({"schema_version": 1, "task": "classification",
                               "candidates": [{}, {"name": "a"}]})"}) {
    CHECK_THROWS_AS(parse_report(text, "r.json"), Error);
  }
}

TEST_CASE("a budget without a candidate to judge is refused") {
  Report report = sample_report();
  report.candidates.resize(1);
  CHECK_THROWS_AS(apply_budget(report, parse_budget(R"({"flips": 0.1})", "b.json")), Error);
}

TEST_CASE("JUnit holds a case a verdict, and names cannot become markup") {
  Report report = judged_report();
  report.candidates[1].name = "<&\"x";
  const std::string xml = gate_junit(*report.budget, judged_of(report));
  CHECK(xml.find("<testsuites name=\"b.json\" tests=\"4\" failures=\"1\" errors=\"0\">") !=
        std::string::npos);
  CHECK(xml.find("<testsuite name=\"&lt;&amp;&quot;x\"") != std::string::npos);
  CHECK(xml.find("<failure type=\"fail\" message=\"") != std::string::npos);
}

TEST_CASE("verdicts lead the Markdown and follow the terminal's table") {
  const Report report = judged_report();
  CHECK(to_markdown(report).find("**✗ fail**: student-w4a16.pare against b.json") !=
        std::string::npos);
  const std::string terminal = to_terminal(report, {});
  CHECK(terminal.find("✓ pass  student-w8a8.pare against b.json at 95 % confidence") !=
        std::string::npos);
}

}  // namespace
}  // namespace pare::eval
