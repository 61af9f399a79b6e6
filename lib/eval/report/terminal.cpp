// SPDX-License-Identifier: Apache-2.0
// The comparison on a terminal: metrics down, models across, so that any number of metrics fits 80
// columns; models that do not fit go into a further table with the base repeated.
#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/eval/report.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/table.hpp"
#include "lib/eval/report/terminal_plot.hpp"
#include "lib/eval/report/text_layout.hpp"
#include "lib/eval/report/verdicts.hpp"

namespace pare::eval {
namespace {

constexpr size_t kGap = 3;  // " │ "
constexpr size_t kMaxName = 28;

const char* code_of(Tone tone) {
  switch (tone) {
    case Tone::kBetter:
      return "32";
    case Tone::kWorse:
      return "31";
    case Tone::kMuted:
      return "2";
    case Tone::kNeutral:
      break;
  }
  return nullptr;
}

class TablePrinter {
 public:
  TablePrinter(const Report& report, const TerminalStyle& style)
      : rows_(comparison_rows(report)), style_(style) {
    for (const CandidateReport& c : report.candidates) names_.push_back(escaped(c.name, kMaxName));
    for (const Row& row : rows_) label_width_ = std::max(label_width_, display_width(row.label));
    for (size_t m = 0; m < names_.size(); ++m) {
      size_t width = display_width(names_[m]);
      for (const Row& row : rows_) width = std::max(width, display_width(row.cells[m].text));
      widths_.push_back(width);
    }
  }

  std::string print() const {
    std::string out;
    size_t next = 1;
    do {
      std::vector<size_t> shown = {0};
      size_t used = label_width_ + kGap + widths_[0];
      while (next < names_.size() &&
             (shown.size() == 1 || style_.width <= 0 ||
              used + kGap + widths_[next] <= static_cast<size_t>(style_.width))) {
        used += kGap + widths_[next];
        shown.push_back(next++);
      }
      if (!out.empty()) out += '\n';
      print_block(shown, out);
    } while (next < names_.size());
    return out;
  }

 private:
  void print_block(const std::vector<size_t>& shown, std::string& out) const {
    out += padded_left("", label_width_);
    for (const size_t m : shown) {
      out += " │ " + padded_left("", widths_[m] - display_width(names_[m])) +
             painted(names_[m], "1", style_.colour);
    }
    out += '\n' + repeated("─", label_width_);
    for (const size_t m : shown) out += "─┼─" + repeated("─", widths_[m]);
    out += '\n';
    for (const Row& row : rows_) {
      out += padded_right(row.label, label_width_);
      for (const size_t m : shown) {
        const Cell& cell = row.cells[m];
        const char* code = code_of(cell.tone);
        out += " │ " + padded_left("", widths_[m] - display_width(cell.text)) +
               (code == nullptr ? cell.text : painted(cell.text, code, style_.colour));
      }
      out += '\n';
    }
  }

  std::vector<Row> rows_;
  TerminalStyle style_;
  std::vector<std::string> names_;
  std::vector<size_t> widths_;
  size_t label_width_ = 0;
};

}  // namespace

std::string to_terminal(const Report& report, const TerminalStyle& style) {
  std::string out =
      wrapped(grouped(report.items) + " items of " + escaped(report.data_source) + " (" +
                  escaped(report.data_fingerprint).substr(0, 12) + "), " + predicted_text(report),
              style.width);
  out += '\n' + TablePrinter(report, style).print() + '\n';
  for (size_t i = report.candidates.size() > 1 ? 1 : 0; i < report.candidates.size(); ++i) {
    out += wrapped(verdict(report, i), style.width);
  }
  if (const std::string plot = style.plot ? accuracy_plot(report, style) : ""; !plot.empty()) {
    out += '\n' + plot;
  }
  if (report.budget) out += '\n' + gate_terminal(*report.budget, judged_of(report), style);
  return out;
}

}  // namespace pare::eval
