// SPDX-License-Identifier: Apache-2.0
// Groups of items: the drop of each against the base, for every model.
#include <algorithm>
#include <cmath>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

// "-2.1" with its interval; harmed groups stand out by more than their colour.
std::string drop_cell(const SliceResult& slice) {
  if (slice.counts.items == 0) return "<td class=\"muted\">no items</td>";
  const std::string title = "95 % interval " + points(-slice.drop_interval.high) + " to " +
                            points(-slice.drop_interval.low) + ", McNemar p " + p_value(slice.p) +
                            ", after Holm " + p_value(slice.p_holm);
  return std::string("<td") + (slice.harmed() ? " class=\"worse\"" : "") + " title=\"" +
         html_escaped(title) + "\">" + points(-slice.drop) +
         (slice.harmed() ? " <span class=\"change\">harmed</span>" : "") +
         " <span class=\"change muted\">" + points(-slice.drop_interval.high, 1) + " … " +
         points(-slice.drop_interval.low, 1) + "</span></td>";
}

// "+0.0123" with its interval, likewise.
std::string rise_cell(const ErrorSlice& slice) {
  if (slice.items == 0) return "<td class=\"muted\">no items</td>";
  const std::string range = slice.decides() ? signed_fixed(slice.rise_interval.low, 4) + " … " +
                                                  signed_fixed(slice.rise_interval.high, 4)
                                            : "too few items";
  return std::string("<td") + (slice.harmed() ? " class=\"worse\"" : "") + " title=\"" +
         html_escaped("t test p " + p_value(slice.p) + ", after Holm " + p_value(slice.p_holm)) +
         "\">" + signed_fixed(slice.rise, 4) +
         (slice.harmed() ? " <span class=\"change\">harmed</span>" : "") +
         " <span class=\"change muted\">" + range + "</span></td>";
}

const CandidateReport* first_with_slices(const Report& report) {
  for (const CandidateReport& c : report.candidates) {
    if (!c.slices.empty() || !c.error_slices.empty()) return &c;
  }
  return nullptr;
}

std::string rows(const Report& report, const CandidateReport& first) {
  std::string out;
  for (size_t k = 0; k < first.slices.size(); ++k) {
    const SliceResult& slice = first.slices[k];
    if (k > 0 && slice.column != first.slices[k - 1].column) out += "</tbody>\n<tbody>\n";
    const bool known = slice.counts.items > 0;
    const double base =
        known ? static_cast<double>(slice.base_correct) / static_cast<double>(slice.counts.items)
              : 0;
    out += "<tr><th scope=\"row\">" + html_name(slice.name()) + "</th><td>" +
           grouped(slice.counts.items) + "</td><td>" + (known ? fixed(base * 100, 1) : "–") +
           "</td>";
    for (const CandidateReport& c : report.candidates) {
      if (k < c.slices.size()) out += drop_cell(c.slices[k]);
    }
    out += "</tr>\n";
  }
  return out;
}

std::string error_rows(const Report& report, const CandidateReport& first) {
  std::string out;
  for (size_t k = 0; k < first.error_slices.size(); ++k) {
    const ErrorSlice& slice = first.error_slices[k];
    if (k > 0 && slice.column != first.error_slices[k - 1].column) out += "</tbody>\n<tbody>\n";
    out += "<tr><th scope=\"row\">" + html_name(slice.name()) + "</th><td>" + grouped(slice.items) +
           "</td><td>" + (slice.items > 0 ? fixed(slice.base_mae, 4) : "–") + "</td>";
    for (const CandidateReport& c : report.candidates) {
      if (k < c.error_slices.size()) out += rise_cell(c.error_slices[k]);
    }
    out += "</tr>\n";
  }
  return out;
}

}  // namespace

std::string slice_section(const Report& report) {
  const CandidateReport* first = first_with_slices(report);
  if (first == nullptr) return {};
  const bool numbers = !first->error_slices.empty();
  std::string out =
      "<section aria-labelledby=\"slices\">\n<h2 id=\"slices\">Groups of items</h2>\n"
      "<p class=\"note\">Change of " +
      std::string(numbers ? "the mean absolute error" : "accuracy in points") +
      ", with its 95&#8239;% interval. Harmed: it " + (numbers ? "rose" : "fell") +
      ", with p below 0.05 after Holm's correction for having looked at all groups.</p>\n"
      "<div class=\"scroll\" role=\"region\" aria-labelledby=\"slices\" tabindex=\"0\">\n<table>\n"
      "<thead><tr><th scope=\"col\">Group</th><th scope=\"col\">Items</th>"
      "<th scope=\"col\">Base, " +
      (numbers ? "MAE" : "%") + "</th>";
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    if (report.candidates[i].slices.empty() && report.candidates[i].error_slices.empty()) continue;
    out += "<th scope=\"col\"><span class=\"dot c" + std::to_string(colour_of(i)) +
           "\" aria-hidden=\"true\"></span>" + html_name(report.candidates[i].name) + "</th>";
  }
  return out + "</tr></thead>\n<tbody>\n" +
         (numbers ? error_rows(report, *first) : rows(report, *first)) +
         "</tbody>\n</table>\n</div>\n</section>\n";
}

}  // namespace pare::eval
