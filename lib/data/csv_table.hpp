// SPDX-License-Identifier: Apache-2.0
// The text of a CSV file (RFC 4180, plus what the UCI repository does) as a table of fields: views
// of the mapped file, or of unescaped copies where a quoted field holds doubled quotes.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/mapped_file.hpp"

namespace pare::data {

struct CsvTable {
  std::string path;
  std::shared_ptr<const MappedFile> file;
  std::deque<std::string> unescaped;
  std::vector<std::string> header;      // empty when the file has none
  std::vector<std::string_view> cells;  // row-major, blanks around unquoted fields trimmed
  std::vector<int64_t> lines;           // line number of each row, from 1
  size_t columns = 0;
  bool commented = false;  // began with a `|` line, as UCI test files do

  size_t rows() const { return lines.size(); }
  std::string_view cell(size_t row, size_t column) const { return cells[row * columns + column]; }
};

// The delimiter is the one of , ; and tab that the first line has most of. Empty lines and lines
// that begin with '|' are passed over. The first row is a header when it equals `known_header`, or,
// when none is known, when no field of it is a number and it cannot be data: some column below is
// all numbers, or no column repeats its first field. Throws Error(path): rows of different lengths
// (with the line), a quote that is not closed, NUL bytes.
CsvTable read_csv_table(const std::string& path, const std::vector<std::string>& known_header);

// The same of a file whose first row is a header, of one column or more.
CsvTable read_csv_with_header(const std::string& path);

// A number as from_chars reads it, with an optional '+'; nothing else around it.
std::optional<double> parse_number(std::string_view text);

}  // namespace pare::data
