// SPDX-License-Identifier: Apache-2.0
// How latency scatters, every setting that was measured, and what else the machine did meanwhile.
#include <algorithm>
#include <functional>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/strip_plot.hpp"

namespace pare::eval {
namespace {

std::string setting_text(int threads, int64_t batch) {
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads") + ", batch " +
         std::to_string(batch);
}

std::string cell(const std::string& text) { return "<td>" + html_escaped(text) + "</td>"; }

std::string header(std::initializer_list<const char*> titles) {
  std::string out = "<thead><tr>";
  for (const char* title : titles) out += std::string("<th scope=\"col\">") + title + "</th>";
  return out + "</tr></thead>";
}

std::string distribution_figure(const Report& report) {
  StripPlot plot{.id = "latency-distribution",
                 .title = "Distribution of latency",
                 .x_title = "latency of a run, log scale",
                 .x_text = microseconds,
                 .rows = {}};
  std::string rows;
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const CandidateReport& c = report.candidates[i];
    if (!c.latency || !(c.latency->p50 > 0)) continue;
    const LatencySummary& l = *c.latency;
    std::vector<double> medians;
    std::copy_if(l.block_medians.begin(), l.block_medians.end(), std::back_inserter(medians),
                 [](double value) { return value > 0; });
    plot.rows.push_back({.label = c.name,
                         .values = std::move(medians),
                         .p50 = l.p50,
                         .p90 = l.p90,
                         .p99 = l.p99,
                         .series = colour_of(i)});
    rows += "<tr><th scope=\"row\">" + html_name(c.name) + "</th>" + cell(microseconds(l.p50)) +
            cell(microseconds(l.p90)) + cell(microseconds(l.p99)) + cell(grouped(l.runs)) +
            cell(std::to_string(l.block_medians.size())) + "</tr>\n";
  }
  if (plot.rows.empty()) return {};
  return "<figure>\n" + to_svg(plot) +
         "<figcaption>Latency of a run. Fine ticks: the median of each block; point: p50 of all "
         "runs; line to the right: p90 and p99.</figcaption>\n<details><summary>Data of this "
         "picture</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
         "aria-label=\"Distribution of latency\"><table>" +
         header({"Model", "p50", "p90", "p99", "Runs", "Blocks"}) + "<tbody>\n" + rows +
         "</tbody></table></div></details>\n</figure>\n";
}

bool any_cell(const Report& report, const std::function<bool(const LatencySummary&)>& has) {
  return std::any_of(report.candidates.begin(), report.candidates.end(), [&](const auto& c) {
    return std::any_of(c.latency_grid.begin(), c.latency_grid.end(), has);
  });
}

// One row a model and setting.
std::string grid_table(const Report& report) {
  const bool energy = any_cell(report, [](const auto& l) { return l.joules_per_item.has_value(); });
  const bool price = any_cell(report, [](const auto& l) { return l.cost_per_million.has_value(); });
  std::string out =
      "<h3 id=\"settings\">Every setting</h3>\n<div class=\"scroll\" role=\"region\" "
      "aria-labelledby=\"settings\" tabindex=\"0\">\n<table>\n<thead><tr>";
  out +=
      "<th scope=\"col\">Model</th><th scope=\"col\">Threads</th><th scope=\"col\">Batch</th>"
      "<th scope=\"col\">p50</th><th scope=\"col\">p99</th><th scope=\"col\">To base</th>"
      "<th scope=\"col\">95&#8239;% interval</th><th scope=\"col\">Items/s</th>";
  if (energy) out += "<th scope=\"col\">Energy an item</th>";
  if (price) out += "<th scope=\"col\">Cost of a million</th>";
  out += "</tr></thead>\n";
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const CandidateReport& c = report.candidates[i];
    if (c.latency_grid.empty()) continue;
    out += "<tbody>\n";
    for (const LatencySummary& l : c.latency_grid) {
      const bool related = i > 0 && l.ratio.has_value();
      out +=
          "<tr><th scope=\"row\">" + html_name(c.name) + "</th>" + cell(std::to_string(l.threads)) +
          cell(std::to_string(l.batch)) + cell(microseconds(l.p50)) + cell(microseconds(l.p99)) +
          cell(related ? times(*l.ratio) : "–") +
          cell(related ? times(l.ratio_interval.low) + " … " + times(l.ratio_interval.high) : "–") +
          cell(rate_text(l.items_per_second));
      if (energy) out += cell(l.joules_per_item ? joules_text(*l.joules_per_item) : kNotMeasured);
      if (price) out += cell(l.cost_per_million ? fixed(*l.cost_per_million, 4) : kNotMeasured);
      out += "</tr>\n";
    }
    out += "</tbody>\n";
  }
  return out + "</table>\n</div>\n";
}

std::string conditions(const Report& report) {
  std::string out = "<h3>What else the machine did</h3>\n<ul>\n";
  for (const LatencyConditions& c : report.latency_conditions) {
    out += "<li>" + html_escaped(setting_text(c.threads, c.batch)) + ": " +
           (c.noise.noisy() ? "<strong>noisy</strong>" : "quiet") + ", " +
           html_escaped(c.noise.evidence()) + "</li>\n";
  }
  out += "</ul>\n";
  if (!report.energy_reason.empty()) {
    out += "<p class=\"note\">Energy was not measured: " + html_escaped(report.energy_reason) +
           ".</p>\n";
  }
  return out;
}

}  // namespace

std::string latency_section(const Report& report) {
  const std::string figure = distribution_figure(report);
  if (figure.empty()) return {};
  std::string out = "<section aria-labelledby=\"latency\">\n<h2 id=\"latency\">Latency</h2>\n";
  if (!report.latency_conditions.empty()) {
    const LatencyConditions& first = report.latency_conditions.front();
    out += "<p class=\"note\">With " + setting_text(first.threads, first.batch) + ".</p>\n";
  }
  out += figure + grid_table(report);
  if (!report.latency_conditions.empty()) out += conditions(report);
  return out + "</section>\n";
}

}  // namespace pare::eval
