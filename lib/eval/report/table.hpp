// SPDX-License-Identifier: Apache-2.0
// The comparison as rows of text, one metric a row and one model a column: what the terminal, the
// Markdown and the HTML table all show.
#pragma once

#include <string>
#include <vector>

#include "lib/eval/report.hpp"

namespace pare::eval {

// Better or worse than the base beyond what chance explains; neutral when that cannot be said.
enum class Tone : uint8_t { kNeutral, kBetter, kWorse, kMuted };

struct Cell {
  std::string text;
  Tone tone = Tone::kNeutral;
};

struct Row {
  std::string label;
  std::string meaning;      // one sentence, for titles and footnotes
  std::vector<Cell> cells;  // one a candidate
};

// Rows in reading order: accuracy, size, speed. Rows without any measured cell are left out, save
// those a reader would miss (latency, memory).
std::vector<Row> comparison_rows(const Report& report);

// Name of class `index`, escaped; its number when the data set has no name for it.
std::string class_name(const Report& report, int64_t index);

}  // namespace pare::eval
