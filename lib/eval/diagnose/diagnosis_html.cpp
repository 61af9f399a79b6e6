// SPDX-License-Identifier: Apache-2.0
// The diagnosis as one page, in the look of the evaluation's.
#include "lib/eval/diagnose/diagnosis_text.hpp"
#include "lib/eval/diagnose/layer_chart.hpp"
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

std::string head(const Diagnosis& diagnosis) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "style-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<title>" +
         html_escaped(diagnosis.candidate.name) + " – pare diagnosis</title>\n<style>" +
         std::string(style_sheet()) +
         "pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;"
         "padding:10px 14px;overflow-x:auto}figure.wide{max-width:none}</style>\n</head>\n";
}

std::string masthead(const Diagnosis& diagnosis) {
  std::string out = "<header>\n<p class=\"kicker\">pare diagnosis</p>\n<h1>" +
                    html_name(diagnosis.candidate.name) + " against " +
                    html_name(diagnosis.base.name) + "</h1>\n<p class=\"meta\">" +
                    grouped(diagnosis.items) + " items of " + html_name(diagnosis.data_source) +
                    ", " + html_escaped(diagnosis.part_of_data) + ", fingerprint <code title=\"" +
                    html_escaped(diagnosis.data_fingerprint) + "\">" +
                    html_escaped(diagnosis.data_fingerprint.substr(0, 12)) +
                    "</code></p>\n<ul class=\"verdicts\"><li class=\"c1\">" +
                    html_escaped(summary(diagnosis)) + "</li></ul>\n</header>\n";
  if (diagnosis.warnings.empty()) return out;
  out += "<aside class=\"warnings\" aria-label=\"Warnings\">\n";
  for (const std::string& warning : diagnosis.warnings) {
    out += "<p><strong>Warning:</strong> " + html_escaped(warning) + "</p>\n";
  }
  return out + "</aside>\n";
}

std::string repair_block(const Diagnosis& diagnosis, const Repair& repair) {
  std::string out = "<pre><code>";
  for (const std::string& command : repair.commands) out += html_escaped(command) + "\n";
  return out + "</code></pre>\n<p class=\"note\">" + html_escaped(effect_text(diagnosis, repair)) +
         "</p>\n";
}

std::string findings_section(const Diagnosis& diagnosis) {
  if (diagnosis.findings.empty()) return {};
  std::string out =
      "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">What is wrong</h2>\n";
  for (size_t f = 0; f < diagnosis.findings.size(); ++f) {
    const Finding& finding = diagnosis.findings[f];
    const PartDiagnosis& part = diagnosis.parts[finding.part];
    out += "<h3>" + std::to_string(f + 1) + ". " + html_name(part.name) + ": " +
           html_escaped(title_of(finding.evidence.cause)) + "</h3>\n<p>" +
           html_escaped(finding.evidence.text) + ". It makes " + percent(part.share, 1) +
           " of the divergence.</p>\n";
    if (!finding.repair) {
      out += "<p class=\"note\">No repair: " + html_escaped(finding.no_repair) + ".</p>\n";
    }
    const auto& made = finding.repair ? finding.repair : finding.tried;
    if (!made) continue;
    const size_t first = first_with_commands(diagnosis, f);
    const char* what = finding.repair ? "Repaired by" : "Tried";
    out += first < f ? std::string("<p class=\"note\">") + what + " the command of " +
                           std::to_string(first + 1) + ".</p>\n"
                     : (finding.repair ? "" : "<p class=\"note\">Tried:</p>\n") +
                           repair_block(diagnosis, *made);
  }
  if (diagnosis.all_repairs) {
    out += "<h3>All together</h3>\n" + repair_block(diagnosis, *diagnosis.all_repairs);
  }
  return out + "</section>\n";
}

std::string table_rows(const Diagnosis& diagnosis) {
  std::string out;
  for (size_t i = 0; i < diagnosis.parts.size(); ++i) {
    const PartDiagnosis& part = diagnosis.parts[i];
    const std::string causes = causes_of(diagnosis, i);
    out += "<tr><th scope=\"row\">" + html_name(part.name) + "</th>";
    for (const std::string& cell : cells_of(diagnosis, part)) out += "<td>" + cell + "</td>";
    out += "<td>" + html_escaped(part.storage.empty() ? "–" : part.storage) + "</td><td class=\"" +
           (causes.empty() ? "muted" : "worse") + "\">" +
           html_escaped(causes.empty() ? "–" : causes) + "</td></tr>\n";
  }
  return out;
}

std::string layers_section(const Diagnosis& diagnosis) {
  std::string out =
      "<section aria-labelledby=\"layers\">\n<h2 id=\"layers\">Layer by layer</h2>\n"
      "<figure class=\"wide\">\n"
      "<figcaption>In order of execution. Suspicious layers are named in bold.</figcaption>\n" +
      layer_chart(diagnosis) +
      "<div class=\"scroll\" role=\"region\" aria-labelledby=\"layers\" "
      "tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">Layer</th>";
  for (const PartColumn& column : kPartColumns) {
    out +=
        std::string("<th scope=\"col\" title=\"") + column.meaning + "\">" + column.title + "</th>";
  }
  out += "<th scope=\"col\">stored as</th><th scope=\"col\">cause</th></tr></thead>\n<tbody>\n" +
         table_rows(diagnosis) + "</tbody>\n</table>\n</div>\n</figure>\n<dl>\n";
  for (const PartColumn& column : kPartColumns) {
    out += std::string("<dt>") + column.title + "</dt><dd>" + column.meaning + "</dd>\n";
  }
  return out + "</dl>\n</section>\n";
}

std::string environment_section(const Diagnosis& diagnosis) {
  const auto row = [](const char* term, const std::string& text) {
    return std::string("<dt>") + term + "</dt><dd>" + html_escaped(text) + "</dd>\n";
  };
  return "<section aria-labelledby=\"environment\">\n<h2 id=\"environment\">Measured on</h2>\n"
         "<dl>\n" +
         row("CPU", diagnosis.environment.cpu) + row("Kernels", diagnosis.environment.isa) +
         row("Data", diagnosis.data_source) + row("Fingerprint", diagnosis.data_fingerprint) +
         row("Base", diagnosis.base.path) + row("Candidate", diagnosis.candidate.path) +
         row("Agreement", percent(diagnosis.agreement) +
                              " of the candidate with itself put together from its parts") +
         row("pare", diagnosis.environment.version) + "</dl>\n</section>\n";
}

}  // namespace

std::string to_html(const Diagnosis& diagnosis) {
  return head(diagnosis) + "<body>\n<main>\n" + masthead(diagnosis) + findings_section(diagnosis) +
         layers_section(diagnosis) + environment_section(diagnosis) + "</main>\n</body>\n</html>\n";
}

}  // namespace pare::eval
