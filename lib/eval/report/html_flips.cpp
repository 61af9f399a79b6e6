// SPDX-License-Identifier: Apache-2.0
// Which answers changed against the base: right and wrong before and after, one table a model.
#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/table.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMostTransitions = 15;

std::string count_cell(int64_t count, int64_t items, const char* css_class, const char* meaning) {
  const double share = items > 0 ? static_cast<double>(count) / static_cast<double>(items) : 0.0;
  return std::string("<td class=\"") + css_class + "\" title=\"" + meaning + "\">" +
         grouped(count) + " <span class=\"change\">" + percent(share, share < 0.1 ? 2 : 1) +
         "</span></td>";
}

std::string matrix(const Report& report, size_t index) {
  const CandidateReport& c = report.candidates[index];
  const Comparison& flips = *c.comparison;
  const int64_t items = c.metrics.items;
  const int64_t both = std::max<int64_t>(0, c.metrics.correct - flips.gained);
  const int64_t neither = std::max<int64_t>(0, items - both - flips.lost - flips.gained);
  return "<table class=\"flips c" + std::to_string(colour_of(index)) + "\"><caption>" +
         "<span class=\"dot\" aria-hidden=\"true\"></span>" + html_name(c.name) +
         "</caption>\n<thead><tr><td></td><th scope=\"col\">right here</th><th scope=\"col\">wrong "
         "here</th></tr></thead>\n<tbody><tr><th scope=\"row\">right in the base</th>" +
         count_cell(both, items, "", "right in both") +
         count_cell(flips.lost, items, "lost", "lost: right in the base, wrong here") +
         "</tr>\n<tr><th scope=\"row\">wrong in the base</th>" +
         count_cell(flips.gained, items, "gained", "gained: wrong in the base, right here") +
         count_cell(neither, items, "", "wrong in both") + "</tr></tbody></table>\n";
}

struct Transition {
  int64_t from = 0, to = 0;  // classes: the base's answer and this model's
  int64_t label = 0;
  int64_t count = 0;
};

// Most frequent first; ties in the order of the classes.
std::vector<Transition> transitions(const CandidateReport& c) {
  std::map<std::array<int64_t, 3>, int64_t> counts;
  for (const Flip& flip : c.flips) ++counts[{flip.base_said, flip.said, flip.label}];
  std::vector<Transition> out;
  for (const auto& [key, count] : counts) out.push_back({key[0], key[1], key[2], count});
  std::stable_sort(out.begin(), out.end(),
                   [](const Transition& a, const Transition& b) { return a.count > b.count; });
  return out;
}

std::string transition_table(const Report& report, size_t index) {
  const CandidateReport& c = report.candidates[index];
  const std::vector<Transition> all = transitions(c);
  if (all.empty()) return {};
  const size_t shown = std::min(all.size(), kMostTransitions);
  std::string out = "<details><summary>Where the answers of " + html_name(c.name) +
                    " went</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                    "aria-label=\"Changed answers\">\n<table>\n<thead><tr>"
                    "<th scope=\"col\">Base said</th><th scope=\"col\">This one says</th>"
                    "<th scope=\"col\">Right is</th><th scope=\"col\">Items</th>"
                    "<th scope=\"col\">Effect</th></tr></thead>\n<tbody>\n";
  const auto name = [&](int64_t label) {
    return "<bdi>" + html_escaped(class_name(report, label)) + "</bdi>";
  };
  for (size_t i = 0; i < shown; ++i) {
    const Transition& t = all[i];
    const bool lost = t.from == t.label;
    out += "<tr><th scope=\"row\">" + name(t.from) + "</th><td>" + name(t.to) + "</td><td>" +
           name(t.label) + "</td><td>" + grouped(t.count) + "</td><td class=\"" +
           (lost ? "worse\">lost" : "better\">gained") + "</td></tr>\n";
  }
  out += "</tbody>\n</table>\n</div>\n";
  if (shown < all.size()) {
    out += "<p class=\"note\">The " + std::to_string(shown) + " most frequent of " +
           grouped(static_cast<int64_t>(all.size())) + ".</p>\n";
  }
  return out + "</details>\n";
}

}  // namespace

std::string flip_section(const Report& report) {
  std::string tables;
  std::string details;
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    if (!report.candidates[i].comparison) continue;
    tables += matrix(report, i);
    details += transition_table(report, i);
  }
  if (tables.empty()) return {};
  return "<section aria-labelledby=\"flips\">\n<h2 id=\"flips\">Answers that changed</h2>\n"
         "<p class=\"note\">Items by whether the base and the model get them right. A loss and a "
         "gain cancel in the accuracy, not here.</p>\n<div class=\"matrices\">\n" +
         tables + "</div>\n" + details + "</section>\n";
}

}  // namespace pare::eval
