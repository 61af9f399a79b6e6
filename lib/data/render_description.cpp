// SPDX-License-Identifier: Apache-2.0
// `pare data` as text: columns aligned, long lists cut with a count of what is left out.
#include <algorithm>
#include <cstdio>

#include "lib/core/error.hpp"
#include "lib/data/describe.hpp"

namespace pare::data {
namespace {

constexpr size_t kRows = 30;

// Cells of a small table; the first column is text, the others are numbers.
class TextTable {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const {
    std::vector<size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns_of(row[c]));
    }
    std::string out;
    for (const auto& row : rows_) {
      std::string line;
      for (size_t c = 0; c < row.size(); ++c) {
        const std::string pad(widths[c] - columns_of(row[c]), ' ');
        line += (c > 0 ? "  " : "") + (c == 0 ? row[c] + pad : pad + row[c]);
      }
      out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
  }

 private:
  // Bytes that begin a UTF-8 character: near enough to columns for names.
  static size_t columns_of(const std::string& text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  }
  std::vector<std::vector<std::string>> rows_;
};

std::string grouped(int64_t value) {
  std::string out = std::to_string(value);
  for (auto at = static_cast<int64_t>(out.size()) - 3; at > 0; at -= 3) {
    out.insert(static_cast<size_t>(at), ",");
  }
  return out;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string item_text(const Json& item) {
  if (item.size() == 3) {
    return item[2].dump() + "x" + item[1].dump() + " images, " + item[0].dump() +
           (item[0] == 1 ? " channel" : " channels");
  }
  return "tables of " + grouped(item[0].get<int64_t>()) + " features";
}

std::string class_table(const Json& description) {
  const Json& classes = description["classes"];
  TextTable table;
  std::vector<std::string> head{"Class"};
  std::vector<std::string> total{"total"};
  for (const auto& [name, split] : description["splits"].items()) {
    head.push_back(name);
    total.push_back(grouped(split["items"].get<int64_t>()));
  }
  table.add(std::move(head));
  for (size_t c = 0; c < std::min(classes.size(), kRows); ++c) {
    std::vector<std::string> row{escaped(classes[c].get<std::string>(), 40)};
    for (const Json& split : description["splits"]) {
      row.push_back(grouped(split["per_class"][c].get<int64_t>()));
    }
    table.add(std::move(row));
  }
  if (classes.size() > kRows) {
    table.add({"... " + grouped(static_cast<int64_t>(classes.size() - kRows)) + " more"});
  }
  table.add(std::move(total));
  return table.text();
}

std::string statistics_table(const Json& description) {
  const Json& statistics = description["statistics"];
  const bool image = description["item"].size() == 3;
  TextTable table;
  table.add({image ? "Channel" : "Feature", "min", "max", "mean", "std"});
  const Json& rows = statistics["rows"];
  for (size_t r = 0; r < std::min(rows.size(), kRows); ++r) {
    const Json& row = rows[r];
    std::vector<std::string> cells{escaped(row["name"].get<std::string>(), 40)};
    for (const char* key : {"min", "max", "mean", "std"}) {
      cells.push_back(short_number(row[key].get<double>()));
    }
    table.add(std::move(cells));
  }
  if (rows.size() > kRows) {
    table.add({"... " + grouped(static_cast<int64_t>(rows.size() - kRows)) + " more"});
  }
  return "Raw values of " + statistics["of"].get<std::string>() + "\n" + table.text();
}

std::string findings(const Json& description) {
  std::string out;
  const Json& statistics = description["statistics"];
  const auto constant = statistics["constant_count"].get<int64_t>();
  if (constant > 0) {
    out += "Constant in " + statistics["of"].get<std::string>() + ": " + grouped(constant) +
           (description["item"].size() == 3 ? " pixels" : " features");
    const Json& names = statistics["constant_features"];
    for (size_t k = 0; k < std::min<size_t>(names.size(), 5); ++k) {
      out += (k == 0 ? " (" : ", ") + escaped(names[k].get<std::string>(), 40);
    }
    out += constant > 5 ? ", ...)\n" : ")\n";
  }
  for (const auto& [name, split] : description["splits"].items()) {
    const auto duplicates = split["duplicates"].get<int64_t>();
    const auto conflicts = split["label_conflicts"].get<int64_t>();
    out += "Duplicates in " + name + ": " + grouped(duplicates);
    if (conflicts > 0) out += ", " + grouped(conflicts) + " of them with another label";
    out += "\n";
  }
  const Json& overlap = description["test_items_in_train"];
  if (!overlap.is_null()) {
    out += "Test items that are in train as well: " + grouped(overlap.get<int64_t>()) + "\n";
  }
  return out;
}

}  // namespace

std::string render_description(const Json& description) {
  std::string out = "Data set  " + escaped(description["source"].get<std::string>()) + " (" +
                    description["kind"].get<std::string>() + ")\n";
  if (description["synthetic"] == true) {
    out += "Synthetic: drawn by pare itself; its figures say nothing about real data\n";
  }
  out += "Items     " + item_text(description["item"]) + "\n";
  out += "Classes   " + grouped(static_cast<int64_t>(description["classes"].size())) + "\n\n";
  out += class_table(description) + "\n" + statistics_table(description) + "\n" +
         findings(description) + "\n";
  TextTable prints;
  for (const auto& [name, split] : description["splits"].items()) {
    prints.add({"SHA-256 of " + name, split["fingerprint"].get<std::string>()});
  }
  return out + prints.text();
}

}  // namespace pare::data
