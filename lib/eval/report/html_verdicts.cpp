// SPDX-License-Identifier: Apache-2.0
// Whether the candidates keep to the budget: the headline and a table a model.
#include <algorithm>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

const char* sign_of(Verdict verdict) {
  return verdict == Verdict::kPass ? "✓" : verdict == Verdict::kFail ? "✗" : "?";
}

std::string badge(Verdict verdict) {
  return std::string("<span class=\"badge ") + name_of(verdict) + "\"><span aria-hidden=\"true\">" +
         sign_of(verdict) + "</span> " + name_of(verdict) + "</span>";
}

std::string level_text(const Report& report) {
  std::string text = fixed(report.budget->confidence * 100, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + "&#8239;%";
}

// The value and bound as the budget's key writes them.
std::string row(const BudgetVerdict& v) {
  const BudgetKey& key = *find_budget_key(v.key);
  const auto shown = [&](double value) { return html_escaped(figure_text(key, value)); };
  const std::string interval =
      v.value ? shown(v.interval.low) + " … " + shown(v.interval.high) : "–";
  return "<tr><th scope=\"row\" title=\"" + html_escaped(key.meaning) + "\"><code>" +
         html_breakable(v.key) + "</code></th><td>" + badge(v.verdict) + "</td><td>" +
         (v.value ? shown(*v.value) : std::string(kNotMeasured)) + "</td><td>" + interval +
         "</td><td>" + (v.at_least ? "≥ " : "≤ ") + shown(v.bound) + "</td><td class=\"why\">" +
         html_escaped(v.reason) + "</td></tr>\n";
}

std::string table(const Report& report, size_t index) {
  const CandidateReport& c = report.candidates[index];
  const std::string id = "budget-" + std::to_string(index);
  std::string out = "<h3 id=\"" + id + "\"><span class=\"dot c" + std::to_string(colour_of(index)) +
                    "\" aria-hidden=\"true\"></span>" + html_name(c.name) + " " +
                    badge(worst_of(c.verdicts)) +
                    "</h3>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"" + id +
                    "\" tabindex=\"0\">\n<table>\n<thead><tr>";
  for (const char* title : {"Figure", "Verdict", "Value", "Interval", "Bound", "Why"}) {
    out += std::string("<th scope=\"col\">") + title + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const BudgetVerdict& verdict : c.verdicts) out += row(verdict);
  return out + "</tbody>\n</table>\n</div>\n";
}

int64_t count_of(const Report& report, Verdict verdict) {
  return std::count_if(report.candidates.begin() + 1, report.candidates.end(),
                       [&](const CandidateReport& c) { return worst_of(c.verdicts) == verdict; });
}

}  // namespace

std::string budget_headline(const Report& report) {
  if (!report.budget || report.candidates.size() < 2) return {};
  const auto models = static_cast<int64_t>(report.candidates.size()) - 1;
  Verdict worst = Verdict::kPass;
  std::string counts;
  for (const Verdict verdict : {Verdict::kFail, Verdict::kInconclusive, Verdict::kPass}) {
    const int64_t count = count_of(report, verdict);
    if (count == 0) continue;
    worst = std::max(worst, verdict);
    counts += (counts.empty() ? "" : ", ") + grouped(count) + " " + name_of(verdict);
  }
  const std::string path = html_name(report.budget->path);
  return "<p class=\"headline\">" + badge(worst) + " " +
         (models == 1 ? "against " + path : counts + " against " + path) + " at " +
         level_text(report) + " confidence</p>\n";
}

std::string budget_section(const Report& report) {
  if (!report.budget) return {};
  std::string tables;
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    if (!report.candidates[i].verdicts.empty()) tables += table(report, i);
  }
  if (tables.empty()) return {};
  return "<section aria-labelledby=\"budget\">\n<h2 id=\"budget\">Budget</h2>\n"
         "<p class=\"note\">A bound passes or fails when the whole interval of the figure, at " +
         level_text(report) +
         " confidence, lies on one side of it; else it is inconclusive.</p>\n" + tables +
         "</section>\n";
}

}  // namespace pare::eval
