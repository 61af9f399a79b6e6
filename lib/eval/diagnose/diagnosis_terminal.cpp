// SPDX-License-Identifier: Apache-2.0
// The diagnosis on a terminal: parts by share, then each finding with its repair.
#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/eval/diagnose/diagnosis_text.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxName = 30;

size_t display_width(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width, bool left) {
  const size_t used = display_width(text);
  const std::string room(width > used ? width - used : 0, ' ');
  return left ? text + room : room + text;
}

std::string painted(const std::string& text, const char* code, bool colour) {
  return colour ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

std::string table(const Diagnosis& diagnosis, const TerminalStyle& style, int64_t top) {
  std::vector<size_t> order = by_share(diagnosis);
  if (top > 0 && order.size() > static_cast<size_t>(top)) order.resize(static_cast<size_t>(top));
  std::vector<std::vector<std::string>> rows{{"layer"}};
  for (const PartColumn& column : kPartColumns) rows[0].emplace_back(column.title);
  rows[0].emplace_back("stored as");
  for (const size_t i : order) {
    const PartDiagnosis& part = diagnosis.parts[i];
    std::vector<std::string> row{escaped(part.name, kMaxName)};
    for (std::string& cell : cells_of(diagnosis, part)) row.push_back(std::move(cell));
    row.push_back(part.storage.empty() ? "–" : part.storage);
    rows.push_back(std::move(row));
  }
  std::vector<size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const bool left = c == 0 || c + 1 == rows[r].size();
      line += (c == 0 ? "" : "  ") + padded(rows[r][c], widths[c], left);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    const bool suspicious = r > 0 && !causes_of(diagnosis, order[r - 1]).empty();
    out += (r == 0       ? painted(line, "1", style.colour)
            : suspicious ? painted(line, "31", style.colour)
                         : line) +
           '\n';
  }
  const size_t left_out = diagnosis.parts.size() - order.size();
  if (left_out > 0) out += "and " + std::to_string(left_out) + " more (--top 0 shows all)\n";
  return out;
}

std::string repair_text(const Diagnosis& diagnosis, const Repair& repair, bool colour) {
  std::string out;
  for (const std::string& command : repair.commands) {
    out += "    " + painted(command, "1", colour) + '\n';
  }
  return out + "  " + effect_text(diagnosis, repair) + '\n';
}

}  // namespace

std::string to_terminal(const Diagnosis& diagnosis, const TerminalStyle& style, int64_t top) {
  std::string out = grouped(diagnosis.items) + " items of " + escaped(diagnosis.data_source) +
                    ", " + diagnosis.part_of_data + " (" +
                    escaped(diagnosis.data_fingerprint).substr(0, 12) + "); output errors on " +
                    grouped(diagnosis.error_items) + "\n\n";
  out += table(diagnosis, style, top) + '\n' + summary(diagnosis) + '\n';
  for (size_t f = 0; f < diagnosis.findings.size(); ++f) {
    const Finding& finding = diagnosis.findings[f];
    const PartDiagnosis& part = diagnosis.parts[finding.part];
    out += '\n' + std::to_string(f + 1) + ". " +
           painted(escaped(part.name) + ": " + std::string(title_of(finding.evidence.cause)),
                   "31;1", style.colour) +
           " (" + percent(part.share, 1) + " of the divergence)\n  " + finding.evidence.text + '\n';
    const size_t first = first_with_commands(diagnosis, f);
    if (!finding.repair) out += "  no repair: " + finding.no_repair + '\n';
    const auto& made = finding.repair ? finding.repair : finding.tried;
    if (!made) continue;
    out += finding.repair ? "  repair:" : "  tried:";
    out += first < f ? " the command of " + std::to_string(first + 1) + '\n'
                     : '\n' + repair_text(diagnosis, *made, style.colour);
  }
  if (diagnosis.all_repairs) {
    out += "\nall together:\n" + repair_text(diagnosis, *diagnosis.all_repairs, style.colour);
  }
  return out;
}

}  // namespace pare::eval
