// SPDX-License-Identifier: Apache-2.0
// What a release may cost, and whether a candidate keeps to it. A budget is a flat JSON object of
// key: bound; the keys are the rows of budget_keys() (docs/evaluation.md lists them), and
// "confidence". A verdict compares the bound with the interval of the figure, never with the figure
// alone: an interval that reaches over the bound decides nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/eval/figure.hpp"

namespace pare::eval {

enum class Task { kClassification, kRegression };
const char* name_of(Task task);

struct BudgetKey {
  std::string_view name;
  bool at_least = false;           // the bound is a minimum; else a maximum
  double lowest = 0, highest = 0;  // bounds outside make no sense
  std::string_view unit;           // "fraction", "bytes", "us", "", ...
  std::string_view meaning;        // a sentence
  std::optional<Task> task;        // only for this task
  bool measured_by_clock = false;  // needs a latency measurement
};
std::span<const BudgetKey> budget_keys();
const BudgetKey* find_budget_key(std::string_view name);

// A value of this figure in the unit of budgets, as short as it can be told apart: "0.0031",
// "29,312".
std::string figure_text(const BudgetKey& key, double value);

struct BudgetEntry {
  const BudgetKey* key = nullptr;
  double bound = 0;
};

struct Budget {
  std::string path;
  double confidence = 0.95;
  std::vector<BudgetEntry> entries;  // in the file's order, at least one
};

// Throws Error(path, ...) on malformed JSON, unknown keys (with the nearest), bounds that are no
// numbers or out of range, an empty budget, and bounds that contradict each other.
Budget parse_budget(std::string_view text, const std::string& path);
Budget read_budget(const std::string& path);

enum class Verdict { kPass, kInconclusive, kFail };  // ascending: the worst is the largest
const char* name_of(Verdict verdict);                // "pass", "inconclusive", "fail"

struct BudgetVerdict {
  std::string key;
  double bound = 0;
  bool at_least = false;
  Verdict verdict = Verdict::kInconclusive;
  // Absent when the report does not hold the figure; `reason` then says why that decides nothing.
  std::optional<double> value;
  Interval interval;
  std::optional<Needed> needed;  // to decide, when inconclusive and some number would
  std::string reason;            // one sentence
};

// One verdict an entry. Throws Error(budget.path, ...) on a key of another task.
std::vector<BudgetVerdict> judge(const Budget& budget, Task task,
                                 const std::vector<Figure>& figures);
Verdict worst_of(std::span<const BudgetVerdict> verdicts);

}  // namespace pare::eval
