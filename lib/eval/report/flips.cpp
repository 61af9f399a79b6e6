// SPDX-License-Identifier: Apache-2.0
// Every item that a candidate and the base do not both get right or both wrong, for a spreadsheet.
#include "lib/eval/report.hpp"

namespace pare::eval {
namespace {

// RFC 4180: a field with a comma, a quote or a line break is quoted, its quotes doubled.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string class_field(const Report& report, int64_t index) {
  const auto at = static_cast<size_t>(index);
  return at < report.classes.size() ? field(report.classes[at]) : std::to_string(index);
}

}  // namespace

std::string flips_csv(const Report& report) {
  std::string out = "candidate,item,label,base_said,said,flip\n";
  for (const CandidateReport& candidate : report.candidates) {
    for (const Flip& flip : candidate.flips) {
      out += field(candidate.name) + ',' + std::to_string(flip.item) + ',' +
             class_field(report, flip.label) + ',' + class_field(report, flip.base_said) + ',' +
             class_field(report, flip.said) + (flip.lost() ? ",lost\n" : ",gained\n");
    }
  }
  return out;
}

}  // namespace pare::eval
