// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/verdicts.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/eval/report/markdown_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/text_layout.hpp"

namespace pare::eval {
namespace {

std::string bound_text(const BudgetVerdict& v) {
  return (v.at_least ? "≥ " : "≤ ") + figure_text(*find_budget_key(v.key), v.bound);
}

std::string value_text(const BudgetVerdict& v) {
  return v.value ? figure_text(*find_budget_key(v.key), *v.value) : kNotMeasured;
}

const char* sign_of(Verdict verdict) {
  return verdict == Verdict::kPass ? "✓" : verdict == Verdict::kFail ? "✗" : "?";
}

const char* colour_of(Verdict verdict) {
  return verdict == Verdict::kPass ? "32" : verdict == Verdict::kFail ? "31" : "33";
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json entry_json(const BudgetVerdict& v) {
  return {{"key", v.key},
          {"bound", v.bound},
          {"limit", v.at_least ? "minimum" : "maximum"},
          {"verdict", name_of(v.verdict)},
          {"value", v.value ? number(*v.value) : Json(nullptr)},
          {"interval", v.value ? Json::array({number(v.interval.low), number(v.interval.high)})
                               : Json(nullptr)},
          {"needed",
           v.needed ? Json{{"count", v.needed->count}, {"unit", v.needed->unit}} : Json(nullptr)},
          {"reason", v.reason}};
}

std::string level_text(const Budget& budget) {
  const double percent = budget.confidence * 100.0;
  return fixed(percent, percent == std::round(percent) ? 0 : 2) + " %";
}

const Json& member(const Json& json, const char* key, const std::string& path) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (!json.is_object() || found == json.end()) {
    throw Error(path, std::string("is no report of pare eval --json: has no \"") + key + "\"");
  }
  return *found;
}

}  // namespace

std::vector<Judged> judged_of(const Report& report) {
  std::vector<Judged> out;
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    const CandidateReport& candidate = report.candidates[i];
    out.push_back({candidate.name, candidate.figures, candidate.verdicts});
  }
  return out;
}

void apply_budget(Report& report, Budget budget) {
  if (report.candidates.size() < 2) {
    throw Error(budget.path,
                "a budget judges candidates against a base, but only one model is given");
  }
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    report.candidates[i].verdicts = judge(budget, report.task, report.candidates[i].figures);
  }
  report.budget = std::move(budget);
}

WrittenReport parse_report(std::string_view text, const std::string& path) {
  const Json json = parse_json(text, path);
  const Json& version = member(json, "schema_version", path);
  if (version != Json(kReportSchemaVersion)) {
    throw Error(path, "is of schema version " + to_text(version).substr(0, 20) + ", expected " +
                          std::to_string(kReportSchemaVersion));
  }
  WrittenReport out;
  const Json& task = member(json, "task", path);
  if (task == Json(name_of(Task::kRegression))) {
    out.task = Task::kRegression;
  } else if (task != Json(name_of(Task::kClassification))) {
    throw Error(path, "task: expected classification or regression");
  }
  const Json& candidates = member(json, "candidates", path);
  if (!candidates.is_array()) throw Error(path, "candidates: expected a list");
  for (size_t i = 1; i < candidates.size(); ++i) {
    const Json& name = member(candidates[i], "name", path);
    if (!name.is_string()) throw Error(path, "candidates: a name that is no text");
    out.candidates.push_back({name.get<std::string>(),
                              figures_from_json(member(candidates[i], "figures", path), path),
                              {}});
  }
  if (out.candidates.empty()) throw Error(path, "compares no candidate with a base");
  return out;
}

Verdict worst_verdict(const std::vector<Judged>& candidates) {
  Verdict worst = Verdict::kPass;
  for (const Judged& candidate : candidates) {
    worst = std::max(worst, worst_of(candidate.verdicts));
  }
  return worst;
}

Json gate_json(const Budget& budget, const std::vector<Judged>& candidates) {
  Json list = Json::array();
  for (const Judged& candidate : candidates) {
    Json entries = Json::array();
    for (const BudgetVerdict& verdict : candidate.verdicts) entries.push_back(entry_json(verdict));
    list.push_back({{"name", candidate.name},
                    {"verdict", name_of(worst_of(candidate.verdicts))},
                    {"entries", entries}});
  }
  return {{"budget", budget.path},
          {"confidence", budget.confidence},
          {"verdict", name_of(worst_verdict(candidates))},
          {"candidates", list}};
}

std::string gate_terminal(const Budget& budget, const std::vector<Judged>& candidates,
                          const TerminalStyle& style) {
  std::string out;
  for (const Judged& candidate : candidates) {
    const Verdict worst = worst_of(candidate.verdicts);
    out += painted(std::string(sign_of(worst)) + " " + name_of(worst), colour_of(worst),
                   style.colour) +
           "  " + escaped(candidate.name) + " against " + escaped(budget.path) + " at " +
           level_text(budget) + " confidence\n";
    size_t key_width = 0, bound_width = 0, value_width = 0;
    for (const BudgetVerdict& v : candidate.verdicts) {
      key_width = std::max(key_width, v.key.size());
      bound_width = std::max(bound_width, display_width(bound_text(v)));
      value_width = std::max(value_width, display_width(value_text(v)));
    }
    for (const BudgetVerdict& v : candidate.verdicts) {
      const std::string head =
          "  " + std::string(sign_of(v.verdict)) + " " + padded_right(v.key, key_width) + "  " +
          padded_left(value_text(v), value_width) + "  " + padded_right(bound_text(v), bound_width);
      out += painted(head, colour_of(v.verdict), style.colour) + "  " + v.reason + "\n";
    }
  }
  return out;
}

std::string gate_markdown(const Budget& budget, const std::vector<Judged>& candidates) {
  std::string out;
  for (const Judged& candidate : candidates) {
    const Verdict worst = worst_of(candidate.verdicts);
    out += "**" + std::string(sign_of(worst)) + " " + name_of(worst) +
           "**: " + markdown_text(candidate.name) + " against " + markdown_text(budget.path) +
           " at " + level_text(budget) +
           " confidence\n\n| | figure | value | bound | why |\n|---|---|---:|---|---|\n";
    for (const BudgetVerdict& v : candidate.verdicts) {
      out += "| " + std::string(sign_of(v.verdict)) + " " + name_of(v.verdict) + " | `" + v.key +
             "` | " + value_text(v) + " | " + bound_text(v) + " | " + v.reason + " |\n";
    }
    out += "\n";
  }
  return out;
}

}  // namespace pare::eval
