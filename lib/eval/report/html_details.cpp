// SPDX-License-Identifier: Apache-2.0
// Accuracy by class, history and environment.
#include <algorithm>
#include <cmath>

#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/table.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxClasses = 100;
constexpr double kFullTint = 0.45;  // text on it keeps a contrast of 4.5

double class_accuracy(const CandidateReport& c, size_t index) {
  const ClassCount& count = c.metrics.classes[index];
  return static_cast<double>(count.correct) / static_cast<double>(count.items);
}

// Largest fall against the base of any candidate.
double largest_drop(const Report& report, size_t index) {
  double drop = -1;
  const CandidateReport& base = report.candidates.front();
  for (const CandidateReport& c : report.candidates) {
    drop = std::max(drop, class_accuracy(base, index) - class_accuracy(c, index));
  }
  return drop;
}

// Classes that have items, in their order; with too many, those that fell most.
std::vector<size_t> classes_shown(const Report& report) {
  const auto& counts = report.candidates.front().metrics.classes;
  std::vector<size_t> shown;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].items > 0) shown.push_back(i);
  }
  if (shown.size() <= kMaxClasses) return shown;
  std::stable_sort(shown.begin(), shown.end(), [&](size_t a, size_t b) {
    return largest_drop(report, a) > largest_drop(report, b);
  });
  shown.resize(kMaxClasses);
  return shown;
}

// Tint by the change against the base; full at ten points.
std::string heat_cell(const Report& report, size_t candidate, size_t index) {
  const CandidateReport& c = report.candidates[candidate];
  const double accuracy = class_accuracy(c, index);
  if (candidate == 0) return "<td>" + fixed(accuracy * 100, 1) + "</td>";
  const double change = accuracy - class_accuracy(report.candidates.front(), index);
  const double strength = std::min(1.0, std::abs(change) / 0.10) * kFullTint;
  std::string out = "<td class=\"heat\"";
  if (strength > 0) {
    out += " style=\"background:rgba(var(--" + std::string(change < 0 ? "worse" : "better") +
           "-rgb)," + fixed(strength, 2) + ")\"";
  }
  return out + ">" + fixed(accuracy * 100, 1) + " <span class=\"change\">" + points(change, 1) +
         "</span></td>";
}

std::string option_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::string history_item(const ir::HistoryEntry& entry) {
  std::string out = "<li><strong>" + html_escaped(entry.pass) + "</strong>";
  if (entry.options.is_object()) {
    for (const auto& [name, value] : entry.options.items()) {
      out += " <code>" + html_escaped(name) + "=" + html_escaped(option_text(value)) + "</code>";
    }
  }
  out += "<br><span class=\"note\">seed " + std::to_string(entry.seed) + ", pare " +
         html_escaped(entry.tool_version);
  if (entry.inputs.is_object()) {
    for (const auto& [name, value] : entry.inputs.items()) {
      out += ", " + html_escaped(name) + " <code>" +
             html_escaped(option_text(value).substr(0, 12)) + "</code>";
    }
  }
  return out + "</span></li>\n";
}

}  // namespace

std::string class_section(const Report& report) {
  if (report.task != Task::kClassification) return {};
  const std::vector<size_t> shown = classes_shown(report);
  std::string out =
      "<section aria-labelledby=\"classes\">\n<h2 id=\"classes\">Accuracy by class</h2>\n";
  out += report.candidates.size() > 1
             ? "<p class=\"note\">In per cent, with the change in points against the base: orange "
               "fell, blue rose.</p>\n"
             : "<p class=\"note\">In per cent.</p>\n";
  const auto& counts = report.candidates.front().metrics.classes;
  if (shown.size() < counts.size()) {
    out += "<p class=\"note\">" + std::to_string(shown.size()) + " of " +
           std::to_string(counts.size()) +
           " classes: those with items, the largest falls first when there are too many.</p>\n";
  }
  out +=
      "<div class=\"scroll\" role=\"region\" aria-labelledby=\"classes\" tabindex=\"0\">\n<table>\n"
      "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\">Items</th>";
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    out += "<th scope=\"col\">" + colour_dot(i) + html_name(report.candidates[i].name) + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const size_t index : shown) {
    out += "<tr><th scope=\"row\"><bdi>" +
           html_escaped(class_name(report, static_cast<int64_t>(index))) + "</bdi></th><td>" +
           grouped(counts[index].items) + "</td>";
    for (size_t i = 0; i < report.candidates.size(); ++i) out += heat_cell(report, i, index);
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table>\n</div>\n</section>\n";
}

std::string history_section(const Report& report) {
  std::string models;
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    const CandidateReport& c = report.candidates[i];
    if (c.from_predictions) continue;
    models += "<h3>" + colour_dot(i) + html_name(c.name) + "</h3>\n";
    if (!c.architecture.empty()) {
      models += "<p class=\"note\">architecture " + html_escaped(c.architecture) + "</p>\n";
    }
    if (c.history.empty()) {
      models += "<p class=\"note\">The file records no history.</p>\n";
      continue;
    }
    models += "<ol class=\"history\">\n";
    for (const ir::HistoryEntry& entry : c.history) models += history_item(entry);
    models += "</ol>\n";
  }
  if (models.empty()) return {};
  return "<section aria-labelledby=\"history\">\n<h2 id=\"history\">How each model was "
         "made</h2>\n" +
         models + "</section>\n";
}

std::string environment_section(const Report& report) {
  const Environment& env = report.environment;
  const auto row = [](const char* term, const std::string& text) {
    return std::string("<dt>") + term + "</dt><dd>" + html_escaped(text) + "</dd>\n";
  };
  std::string out =
      "<section aria-labelledby=\"environment\">\n"
      "<h2 id=\"environment\">Measured on</h2>\n<dl>\n";
  out += row("CPU", env.cpu) + row("Kernels", env.isa) +
         row("Threads", std::to_string(env.threads) + " for accuracy, " +
                            std::to_string(env.latency_threads) + " for latency") +
         row("Data", report.data_source) + row("Fingerprint", report.data_fingerprint) +
         row("pare", env.version);
  for (const CandidateReport& c : report.candidates) {
    if (!c.path.empty()) out += row(c.from_predictions ? "Predictions" : "Model", c.path);
  }
  return out + "</dl>\n</section>\n";
}

}  // namespace pare::eval
