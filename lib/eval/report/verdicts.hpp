// SPDX-License-Identifier: Apache-2.0
// Verdicts on budgets, in each of a report's forms, and what of a written report they can be made
// from again.
#pragma once

#include <string>
#include <vector>

#include "lib/eval/budget.hpp"
#include "lib/eval/report.hpp"

namespace pare::eval {

// A candidate's figures, and the verdicts on them once judged.
struct Judged {
  std::string name;
  std::vector<Figure> figures;
  std::vector<BudgetVerdict> verdicts;
};

// Every candidate of a report but the base.
std::vector<Judged> judged_of(const Report& report);

// The same from the text of a report that to_json wrote. Throws Error(path, ...) on anything else,
// on another schema version and on a report without candidates to judge.
struct WrittenReport {
  Task task = Task::kClassification;
  std::vector<Judged> candidates;
};
WrittenReport parse_report(std::string_view text, const std::string& path);

Verdict worst_verdict(const std::vector<Judged>& candidates);

// {"budget": ..., "confidence": ..., "verdict": "pass", "candidates": [{"name", "verdict",
// "entries": [...]}]}; docs/evaluation.md describes it.
Json gate_json(const Budget& budget, const std::vector<Judged>& candidates);
std::string gate_terminal(const Budget& budget, const std::vector<Judged>& candidates,
                          const TerminalStyle& style);
std::string gate_markdown(const Budget& budget, const std::vector<Judged>& candidates);
// JUnit XML as CI systems read it: a test suite a candidate, a test case an entry; a failed entry
// is a failure, an inconclusive one an error.
std::string gate_junit(const Budget& budget, const std::vector<Judged>& candidates);

}  // namespace pare::eval
