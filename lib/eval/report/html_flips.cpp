// SPDX-License-Identifier: Apache-2.0
// Which answers changed against the base: right and wrong before and after, one table a model.
#include <algorithm>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

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

}  // namespace

std::string flip_section(const Report& report) {
  std::string tables;
  for (size_t i = 1; i < report.candidates.size(); ++i) {
    if (report.candidates[i].comparison) tables += matrix(report, i);
  }
  if (tables.empty()) return {};
  return "<section aria-labelledby=\"flips\">\n<h2 id=\"flips\">Answers that changed</h2>\n"
         "<p class=\"note\">Items by whether the base and the model get them right. A loss and a "
         "gain cancel in the accuracy, not here.</p>\n<div class=\"matrices\">\n" +
         tables + "</div>\n</section>\n";
}

}  // namespace pare::eval
