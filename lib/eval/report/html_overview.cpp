// SPDX-License-Identifier: Apache-2.0
// The comparison table and the two pictures.
#include "lib/eval/report/chart.hpp"
#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/table.hpp"

namespace pare::eval {
namespace {

const char* class_of(Tone tone) {
  switch (tone) {
    case Tone::kBetter:
      return " class=\"better\"";
    case Tone::kWorse:
      return " class=\"worse\"";
    case Tone::kMuted:
      return " class=\"muted\"";
    case Tone::kNeutral:
      break;
  }
  return "";
}

constexpr const char* kFront =
    "The line steps along the models that no other beats in both; the grey ones are beaten.";

std::string percent_tick(double value) { return fixed(value, 2) + " %"; }

const char* name_of_quality(const Report& report) {
  return report.task == Task::kRegression ? "R²" : "Accuracy";
}

Chart chart_of(const Report& report, const char* id) {
  Chart chart{.id = id};
  const bool regression = report.task == Task::kRegression;
  chart.y_title = regression ? "R² (higher is better)" : "accuracy, % (higher is better)";
  chart.y_text = regression ? [](double value) { return fixed(value, 4); } : percent_tick;
  return chart;
}

ChartPoint point_of(const Report& report, size_t i, double x) {
  const Quality quality = quality_of(report, i).value_or(Quality{});
  return {.label = report.candidates[i].name,
          .x = x,
          .y = quality.value,
          .x_interval = std::nullopt,
          .y_interval = quality.interval,
          .series = colour_of(i)};
}

// The picture and, folded away, its data as a table.
std::string figure(const Chart& chart, const char* caption) {
  std::string out =
      "<figure>\n" + to_svg(chart) + "<figcaption>" + caption + " " + kFront + "</figcaption>\n" +
      "<details><summary>Data of this picture</summary>\n<div class=\"scroll\" "
      "role=\"region\" tabindex=\"0\" aria-label=\"Data of this picture\">\n<table><caption>" +
      html_escaped(chart.title) + "</caption><thead><tr><th scope=\"col\">Model</th>" +
      "<th scope=\"col\">" + html_escaped(chart.x_title) + "</th><th scope=\"col\">" +
      html_escaped(chart.y_title) +
      "</th><th scope=\"col\">95&#8239;% interval</th>"
      "<th scope=\"col\">On the front</th></tr></thead><tbody>\n";
  const std::vector<bool> beaten = dominated_points(chart);
  for (size_t i = 0; i < chart.points.size(); ++i) {
    const ChartPoint& point = chart.points[i];
    out += "<tr><th scope=\"row\">" + html_name(point.label) + "</th><td>" +
           html_escaped(chart.x_text(point.x)) + "</td><td>" + html_escaped(chart.y_text(point.y)) +
           "</td><td>" + html_escaped(chart.y_text(point.y_interval.low)) + " … " +
           html_escaped(chart.y_text(point.y_interval.high)) + "</td><td>" +
           (beaten[i] ? "no" : "yes") + "</td></tr>\n";
  }
  return out + "</tbody></table></div></details>\n</figure>\n";
}

std::string size_figure(const Report& report) {
  Chart chart = chart_of(report, "accuracy-size");
  chart.title = std::string(name_of_quality(report)) + " against file size";
  chart.x_title = "file size, log scale (smaller is better)";
  chart.x_unit = TickUnit::kBinary;
  chart.x_text = [](double v) { return bytes_text(static_cast<int64_t>(v + 0.5)); };
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const auto& size = report.candidates[i].size;
    if (!size || size->file_bytes <= 0 || !quality_of(report, i)) continue;
    chart.points.push_back(point_of(report, i, static_cast<double>(size->file_bytes)));
  }
  if (chart.points.size() < 2) return {};
  return figure(chart,
                "Towards the upper left is better. Vertical bars: 95&#8239;% "
                "interval of each model alone; for differences on the same items "
                "see the table.");
}

std::string latency_figure(const Report& report) {
  Chart chart = chart_of(report, "accuracy-latency");
  chart.title = std::string(name_of_quality(report)) + " against latency";
  chart.x_title = "latency p50, log scale (faster is better)";
  chart.x_text = microseconds;
  const auto& base = report.candidates.front().latency;
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const auto& latency = report.candidates[i].latency;
    if (!latency || latency->p50 <= 0 || !quality_of(report, i)) continue;
    chart.points.push_back(point_of(report, i, latency->p50));
    if (i > 0 && base && latency->ratio) {
      // The interval is of the ratio to the base: it is drawn around this model's own median.
      const double unit = latency->p50 / *latency->ratio;
      chart.points.back().x_interval =
          Interval{latency->ratio_interval.low * unit, latency->ratio_interval.high * unit};
    }
  }
  if (chart.points.size() < 2) return {};
  return figure(chart,
                "Towards the upper left is better. "
                "Horizontal bars: 95&#8239;% interval of the ratio to the base.");
}

}  // namespace

std::string table_section(const Report& report) {
  std::string out =
      "<section aria-labelledby=\"comparison\">\n<h2 id=\"comparison\">Comparison</h2>\n"
      "<div class=\"scroll\" role=\"region\" aria-labelledby=\"comparison\" "
      "tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">"
      "<span class=\"muted\">Metric</span></th>";
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const CandidateReport& c = report.candidates[i];
    out += "<th scope=\"col\"><span class=\"dot c" + std::to_string(colour_of(i)) +
           "\" aria-hidden=\"true\"></span><span title=\"" + html_escaped(c.path) + "\">" +
           html_name(c.name) + "</span></th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : comparison_rows(report)) {
    // Quality, size and speed are groups of their own.
    if (row.label == "file" || row.label == "MACs") out += "</tbody>\n<tbody>\n";
    out += std::string("<tr") + (row.label == "accuracy" ? " class=\"strong\"" : "") +
           "><th scope=\"row\" title=\"" + html_escaped(row.meaning) + "\">" +
           html_escaped(row.label) + "</th>";
    for (const Cell& cell : row.cells) {
      out += std::string("<td") + class_of(cell.tone) + ">" + html_escaped(cell.text) + "</td>";
    }
    out += "</tr>\n";
  }
  return out +
         "</tbody>\n</table>\n</div>\n<p class=\"note\">Coloured figures differ from the base "
         "beyond "
         "what chance explains: exact McNemar p below 0.05 for accuracy, a 95&#8239;% bootstrap "
         "interval "
         "that excludes 1 for latency. Every model ran on the same items through the runtime that "
         "deploys it, integer models in integers.</p>\n</section>\n";
}

std::string picture_section(const Report& report) {
  const std::string figures = size_figure(report) + latency_figure(report);
  if (figures.empty()) return {};
  return "<section aria-labelledby=\"pictures\">\n<h2 id=\"pictures\">What accuracy costs</h2>\n"
         "<div class=\"figures\">\n" +
         figures + "</div>\n</section>\n";
}

}  // namespace pare::eval
