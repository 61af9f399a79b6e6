// SPDX-License-Identifier: Apache-2.0
// The comparison for a pull request: one GitHub-flavoured table, the verdicts, the conditions.
#include "lib/core/error.hpp"
#include "lib/eval/report.hpp"
#include "lib/eval/report/markdown_text.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/table.hpp"
#include "lib/eval/report/verdicts.hpp"

namespace pare::eval {
namespace {

const char* emphasis_of(Tone tone) {
  return tone == Tone::kBetter || tone == Tone::kWorse ? "**" : "";
}

}  // namespace

std::string to_markdown(const Report& report) {
  std::string out = "# Evaluation\n\n";
  if (report.budget) out += gate_markdown(*report.budget, judged_of(report));
  out += grouped(report.items) + " items of " + markdown_text(report.data_source) +
         " (fingerprint `" + escaped(report.data_fingerprint).substr(0, 12) + "`), " +
         predicted_text(report) + ".\n\n";
  for (size_t i = report.candidates.size() > 1 ? 1 : 0; i < report.candidates.size(); ++i) {
    out += "- " + markdown_text(verdict(report, i)) + "\n";
  }
  out += "\n| |";
  for (const CandidateReport& c : report.candidates) out += ' ' + markdown_text(c.name) + " |";
  out += "\n|---|";
  for (size_t i = 0; i < report.candidates.size(); ++i) out += "---:|";
  for (const Row& row : comparison_rows(report)) {
    out += "\n| " + row.label + " |";
    for (const Cell& cell : row.cells) {
      const char* emphasis = emphasis_of(cell.tone);
      out += ' ' + (emphasis + markdown_text(cell.text)) + emphasis + " |";
    }
  }
  const Environment& env = report.environment;
  out += "\n\npare " + env.version + ", " + markdown_text(env.cpu) + ", kernels for " + env.isa +
         ", " + std::to_string(env.threads) +
         " threads (latency: " + std::to_string(env.latency_threads) +
         "). Bold: beyond chance at 95 %.\n";
  for (const std::string& warning : report.warnings) {
    out += "\n> **Warning** " + markdown_text(warning) + "\n";
  }
  return out;
}

}  // namespace pare::eval
