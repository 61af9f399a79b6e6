// SPDX-License-Identifier: Apache-2.0
#include "lib/data/csv_table.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "lib/core/error.hpp"

namespace pare::data {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

char delimiter_of(std::string_view line) {
  char best = ',';
  for (const char candidate : {',', ';', '\t'}) {
    const auto count = [&](char c) { return std::count(line.begin(), line.end(), c); };
    if (count(candidate) > count(best)) best = candidate;
  }
  return best;
}

class Scanner {
 public:
  Scanner(std::string_view text, CsvTable& table) : text_(text), table_(table) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.substr(0, 3) == kByteOrderMark) at_ = 3;
  }

  void scan() {
    while (at_ < text_.size()) {
      const std::string_view line = rest_of_line();
      if (trimmed(line).empty() || line.front() == '|') {
        table_.commented = table_.commented || (!line.empty() && line.front() == '|');
        at_ += line.size();
        end_line();
        continue;
      }
      if (delimiter_ == '\0') delimiter_ = delimiter_of(line);
      scan_row();
    }
  }

 private:
  std::string_view rest_of_line() const {
    const size_t end = std::min(text_.find_first_of("\r\n", at_), text_.size());
    return text_.substr(at_, end - at_);
  }
  void end_line() {
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  void scan_row() {
    const int64_t line = line_;
    const size_t before = table_.cells.size();
    for (;;) {
      table_.cells.push_back(field());
      if (at_ >= text_.size() || text_[at_] != delimiter_) break;
      ++at_;
    }
    end_line();
    const size_t fields = table_.cells.size() - before;
    if (table_.columns == 0) table_.columns = fields;
    if (fields != table_.columns) {
      throw Error(table_.path, "line " + std::to_string(line) + " has " + std::to_string(fields) +
                                   " fields, expected " + std::to_string(table_.columns));
    }
    table_.lines.push_back(line);
  }

  std::string_view field() {
    size_t start = at_;
    while (start < text_.size() && text_[start] == ' ') ++start;
    if (start < text_.size() && text_[start] == '"') {
      at_ = start + 1;
      return quoted_field();
    }
    size_t end = at_;
    while (end < text_.size() && text_[end] != delimiter_ && text_[end] != '\n' &&
           text_[end] != '\r') {
      ++end;
    }
    const std::string_view out = trimmed(text_.substr(at_, end - at_));
    at_ = end;
    return out;
  }

  std::string_view quoted_field() {
    const size_t start = at_;
    const int64_t line = line_;
    bool doubled = false;
    for (;; ++at_) {
      if (at_ >= text_.size()) {
        throw Error(table_.path, "line " + std::to_string(line) + ": a quote is not closed");
      }
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') continue;
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
      doubled = true;
      ++at_;
    }
    const std::string_view inside = text_.substr(start, at_ - start);
    ++at_;
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n' &&
        text_[at_] != '\r') {
      throw Error(table_.path, "line " + std::to_string(line) + ": text after a closing quote");
    }
    return doubled ? unescape(inside) : inside;
  }

  std::string_view unescape(std::string_view inside) {
    std::string& out = table_.unescaped.emplace_back();
    for (size_t i = 0; i < inside.size(); ++i) {
      out += inside[i];
      if (inside[i] == '"') ++i;
    }
    return out;
  }

  std::string_view text_;
  CsvTable& table_;
  size_t at_ = 0;
  int64_t line_ = 1;
  char delimiter_ = '\0';
};

bool first_row_is_header(const CsvTable& table, const std::vector<std::string>& known) {
  if (!known.empty()) {
    return known.size() == table.columns &&
           std::equal(known.begin(), known.end(), table.cells.begin());
  }
  if (table.rows() < 2) return false;
  bool numbers_below = false;
  bool repeats = false;
  for (size_t c = 0; c < table.columns; ++c) {
    if (parse_number(table.cell(0, c))) return false;
    bool all_numbers = true;
    for (size_t r = 1; r < table.rows() && (all_numbers || !repeats); ++r) {
      all_numbers = all_numbers && parse_number(table.cell(r, c));
      repeats = repeats || table.cell(r, c) == table.cell(0, c);
    }
    numbers_below = numbers_below || all_numbers;
  }
  return numbers_below || !repeats;
}

CsvTable read_csv_fields(const std::string& path) {
  CsvTable table;
  table.path = path;
  table.file = MappedFile::open(path);
  const auto bytes = table.file->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.find('\0') != std::string_view::npos) throw Error(path, "is not text: it has NUL bytes");
  Scanner(text, table).scan();
  if (table.rows() == 0) throw Error(path, "holds 0 items");
  return table;
}

void take_header(CsvTable& table) {
  const auto end = table.cells.begin() + static_cast<std::ptrdiff_t>(table.columns);
  table.header.assign(table.cells.begin(), end);
  std::set<std::string> seen;
  for (const std::string& name : table.header) {
    if (!seen.insert(name).second) {
      throw Error(table.path, "names two columns '" + escaped(name, 60) + "'");
    }
  }
  table.cells.erase(table.cells.begin(), end);
  table.lines.erase(table.lines.begin());
  if (table.rows() == 0) throw Error(table.path, "holds 0 items");
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) {
    // from_chars does not say on which side: 1e-999 is 0, 1e999 is refused as not finite.
    const bool tiny = text.find("e-") != text.npos || text.find("E-") != text.npos;
    return tiny ? 0.0 : std::numeric_limits<double>::infinity();
  }
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

CsvTable read_csv_table(const std::string& path, const std::vector<std::string>& known_header) {
  CsvTable table = read_csv_fields(path);
  if (table.columns < 2) {
    throw Error(path, "has one column, expected features and a label separated by , ; or tab");
  }
  if (first_row_is_header(table, known_header)) take_header(table);
  return table;
}

CsvTable read_csv_with_header(const std::string& path) {
  CsvTable table = read_csv_fields(path);
  take_header(table);
  return table;
}

}  // namespace pare::data
