// SPDX-License-Identifier: Apache-2.0
// The page: head, headline, verdicts, then the sections.
#include "lib/eval/report.hpp"
#include "lib/eval/report/html_sections.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

std::string headline(const Report& report, std::string (*show)(std::string_view)) {
  const auto& candidates = report.candidates;
  if (candidates.size() == 1) return show(candidates[0].name);
  if (candidates.size() == 2) {
    return show(candidates[1].name) + " against " + show(candidates[0].name);
  }
  return std::to_string(candidates.size() - 1) + " models against " + show(candidates[0].name);
}

std::string head(const Report& report) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "style-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<title>" +
         headline(report, html_escaped) + " – pare evaluation</title>\n<style>" +
         std::string(style_sheet()) + "</style>\n</head>\n";
}

std::string masthead(const Report& report) {
  std::string out = "<header>\n<p class=\"kicker\">pare evaluation</p>\n<h1>" +
                    headline(report, html_name) + "</h1>\n<p class=\"meta\">" +
                    grouped(report.items) + " items of " + html_name(report.data_source) + ", " +
                    predicted_text(report) + ", fingerprint <code title=\"" +
                    html_escaped(report.data_fingerprint) + "\">" +
                    html_escaped(report.data_fingerprint.substr(0, 12)) + "</code></p>\n";
  out += budget_headline(report) + "<ul class=\"verdicts\">\n";
  for (size_t i = report.candidates.size() > 1 ? 1 : 0; i < report.candidates.size(); ++i) {
    out += "<li class=\"c" + std::to_string(colour_of(i)) + "\">" +
           html_escaped(verdict(report, i)) + "</li>\n";
  }
  out += "</ul>\n</header>\n";
  if (report.warnings.empty()) return out;
  out += "<aside class=\"warnings\" aria-label=\"Warnings\">\n";
  for (const std::string& warning : report.warnings) {
    out += "<p><strong>Warning:</strong> " + html_escaped(warning) + "</p>\n";
  }
  return out + "</aside>\n";
}

}  // namespace

std::string colour_dot(size_t candidate) {
  return "<span class=\"dot c" + std::to_string(colour_of(candidate)) +
         "\" aria-hidden=\"true\"></span>";
}

std::string to_html(const Report& report) {
  return head(report) + "<body>\n<main>\n" + masthead(report) + budget_section(report) +
         table_section(report) + picture_section(report) + flip_section(report) +
         slice_section(report) + class_section(report) + latency_section(report) +
         size_section(report) + weight_error_section(report) + history_section(report) +
         environment_section(report) + "</main>\n</body>\n</html>\n";
}

}  // namespace pare::eval
