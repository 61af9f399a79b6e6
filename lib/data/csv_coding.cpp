// SPDX-License-Identifier: Apache-2.0
#include "lib/data/csv_coding.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "lib/core/checked.hpp"

namespace pare::data {
namespace {

// 4 GiB of floats: more than that, one-hot, is a mistake (a column of free text).
constexpr int64_t kMaxValues = int64_t{1} << 30;

bool missing(std::string_view cell) { return cell.empty() || cell == "?"; }

std::string place(const CsvTable& table, size_t row, const std::string& column) {
  return "line " + std::to_string(table.lines[row]) + ", column '" + escaped(column, 60) + "': ";
}

std::string column_name(const CsvTable& table, size_t column) {
  return table.header.empty() ? "column " + std::to_string(column + 1) : table.header[column];
}

// UCI test files end every label in a full stop.
std::string_view label_text(const CsvTable& table, std::string_view cell) {
  if (table.commented && cell.size() > 1 && cell.back() == '.') cell.remove_suffix(1);
  return cell;
}

std::vector<std::string> sorted_labels(const std::set<std::string, std::less<>>& found) {
  std::vector<std::string> out(found.begin(), found.end());
  const bool numbers = std::all_of(
      out.begin(), out.end(), [](const std::string& s) { return parse_number(s).has_value(); });
  if (numbers) {
    std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
      return std::pair(*parse_number(a), a) < std::pair(*parse_number(b), b);
    });
  }
  return out;
}

std::vector<std::string> strings_of(const Json& json, const std::string& subject) {
  std::vector<std::string> out;
  if (!json.is_array() || json.size() > CsvCoding::kMaxCategories) {
    throw Error(subject, "has a malformed vocabulary");
  }
  for (const Json& value : json) {
    if (!value.is_string()) throw Error(subject, "has a malformed vocabulary");
    out.push_back(value.get<std::string>());
  }
  return out;
}

size_t label_position(const CsvTable& table, const std::string& label_column) {
  if (label_column.empty()) return table.columns - 1;
  for (size_t c = 0; c < table.columns; ++c) {
    if (column_name(table, c) == label_column) return c;
  }
  throw Error(table.path, "has no column '" + escaped(label_column, 60) + "'" +
                              (table.header.empty() ? " (it has no header line)" : ""));
}

}  // namespace

CsvCoding::Column CsvCoding::learn_column(const CsvTable& table, size_t column,
                                          const std::string& name) {
  Column out{.name = name, .numeric = true};
  double sum = 0;
  int64_t present = 0;
  for (size_t r = 0; r < table.rows() && out.numeric; ++r) {
    const std::string_view cell = table.cell(r, column);
    if (missing(cell)) continue;
    const auto value = parse_number(cell);
    out.numeric = value.has_value();
    if (value) sum += *value, ++present;
  }
  out.numeric = out.numeric && present > 0;
  if (out.numeric) {
    out.fill = sum / static_cast<double>(present);
    return out;
  }
  std::set<std::string, std::less<>> values;
  for (size_t r = 0; r < table.rows(); ++r) {
    const std::string_view cell = table.cell(r, column);
    if (values.find(cell) == values.end()) values.emplace(cell);
    if (values.size() > kMaxCategories) {
      throw Error(table.path, "column '" + escaped(name, 60) + "' has more than " +
                                  std::to_string(kMaxCategories) +
                                  " different values; one-hot coding is for categories");
    }
  }
  out.values.assign(values.begin(), values.end());
  return out;
}

CsvCoding CsvCoding::learn(const CsvTable& table, const std::string& label_column, bool numbers) {
  CsvCoding out;
  out.header_ = !table.header.empty();
  out.label_ = label_position(table, label_column);
  out.label_name_ = column_name(table, out.label_);
  for (size_t c = 0; c < table.columns; ++c) {
    if (c != out.label_) out.columns_.push_back(learn_column(table, c, column_name(table, c)));
  }
  if (numbers) return out;
  std::set<std::string, std::less<>> labels;
  for (size_t r = 0; r < table.rows(); ++r) {
    labels.emplace(label_text(table, table.cell(r, out.label_)));
    if (labels.size() > kMaxCategories) {
      throw Error(table.path, "label column '" + escaped(out.label_name_, 60) + "' has more than " +
                                  std::to_string(kMaxCategories) + " different values");
    }
  }
  for (const char* absent : {"", "?"}) labels.erase(absent);
  out.classes_ = sorted_labels(labels);
  return out;
}

CsvCoding CsvCoding::from_json(const Json& json, const std::string& subject) {
  CsvCoding out;
  try {
    out.header_ = json.at("header").get<bool>();
    out.label_name_ = json.at("label").get<std::string>();
    out.label_ = json.at("label_position").get<size_t>();
    out.classes_ = strings_of(json.at("classes"), subject);
    for (const Json& entry : json.at("columns")) {
      Column column{.name = entry.at("name").get<std::string>()};
      column.numeric = entry.at("kind").get<std::string>() == "numeric";
      if (column.numeric) {
        column.fill = entry.at("fill").get<double>();
      } else {
        column.values = strings_of(entry.at("values"), subject);
        if (!std::is_sorted(column.values.begin(), column.values.end())) {
          throw Error(subject, "has a vocabulary that is not sorted");
        }
      }
      out.columns_.push_back(std::move(column));
    }
  } catch (const Json::exception&) {
    throw Error(subject, "has a malformed description of table columns");
  }
  if (out.label_ > out.columns_.size()) throw Error(subject, "has a label column out of range");
  return out;
}

Json CsvCoding::to_json() const {
  Json columns = Json::array();
  for (const Column& column : columns_) {
    Json entry{{"name", column.name}, {"kind", column.numeric ? "numeric" : "categorical"}};
    if (column.numeric) {
      entry["fill"] = column.fill;
    } else {
      entry["values"] = column.values;
    }
    columns.push_back(std::move(entry));
  }
  return {{"header", header_},
          {"label", label_name_},
          {"label_position", label_},
          {"classes", classes_},
          {"columns", std::move(columns)}};
}

int64_t CsvCoding::features() const {
  int64_t out = 0;
  for (const Column& c : columns_) out += c.numeric ? 1 : static_cast<int64_t>(c.values.size());
  return out;
}

std::vector<std::string> CsvCoding::known_header() const {
  if (!header_) return {};
  std::vector<std::string> out;
  for (const Column& column : columns_) out.push_back(column.name);
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(label_), label_name_);
  return out;
}

void CsvCoding::encode_column(const CsvTable& table, size_t from, const Column& column, size_t at,
                              std::vector<float>& out, Gaps& gaps) const {
  const auto width = static_cast<size_t>(features());
  for (size_t r = 0; r < table.rows(); ++r) {
    const std::string_view cell = table.cell(r, from);
    float* item = out.data() + r * width + at;
    if (!column.numeric) {
      const auto found = std::lower_bound(column.values.begin(), column.values.end(), cell);
      if (found != column.values.end() && *found == cell) {
        item[found - column.values.begin()] = 1.0F;
      } else {
        ++gaps.unknown;
      }
      continue;
    }
    std::optional<double> value = parse_number(cell);
    if (!value && missing(cell)) {
      ++gaps.missing;
      value = column.fill;
    }
    if (!value) {
      throw Error(table.path,
                  place(table, r, column.name) + "'" + escaped(cell, 40) + "' is not a number");
    }
    *item = static_cast<float>(*value);
    if (!std::isfinite(*item)) {
      throw Error(table.path, place(table, r, column.name) + "'" + escaped(cell, 40) +
                                  "' is not a finite number");
    }
  }
}

Array CsvCoding::encode(const CsvTable& table, Progress& progress) const {
  if (table.columns != columns_.size() + 1) {
    throw Error(table.path, "has " + std::to_string(table.columns) + " columns, expected " +
                                std::to_string(columns_.size() + 1));
  }
  const int64_t values = checked_mul(static_cast<int64_t>(table.rows()), features(), table.path);
  if (values > kMaxValues) {
    throw Error(table.path, "would take " + std::to_string(features()) +
                                " features an item one-hot, too many for " +
                                std::to_string(table.rows()) + " items");
  }
  Array out;
  out.source = table.path;
  out.floats.resize(static_cast<size_t>(values));
  size_t at = 0;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    Gaps gaps;
    encode_column(table, c < label_ ? c : c + 1, column, at, out.floats, gaps);
    at += column.numeric ? 1 : column.values.size();
    const std::string subject =
        escaped(table.path) + ": column '" + escaped(column.name, 60) + "': ";
    if (gaps.missing > 0) {
      progress.warn(subject + std::to_string(gaps.missing) +
                    " missing numbers replaced by the mean of train");
    }
    if (gaps.unknown > 0) {
      progress.warn(subject + std::to_string(gaps.unknown) + " values that train does not have");
    }
  }
  encode_labels(table, out);
  return out;
}

void CsvCoding::encode_labels(const CsvTable& table, Array& out) const {
  for (size_t r = 0; r < table.rows(); ++r) {
    if (predicts_numbers()) {
      const std::string_view cell = table.cell(r, label_);
      const auto value = parse_number(cell);
      if (!value || !std::isfinite(static_cast<float>(*value))) {
        throw Error(table.path, place(table, r, label_name_) + "'" + escaped(cell, 40) +
                                    "' is not a finite number to predict");
      }
      out.targets.push_back(static_cast<float>(*value));
      out.labels.push_back(0);
      continue;
    }
    const std::string_view label = label_text(table, table.cell(r, label_));
    const auto found = std::find(classes_.begin(), classes_.end(), label);
    if (found == classes_.end()) {
      throw Error(table.path,
                  place(table, r, label_name_) + (missing(label) ? "label is missing"
                                                                 : "class '" + escaped(label, 40) +
                                                                       "' is not one of train's"));
    }
    out.labels.push_back(found - classes_.begin());
  }
}

}  // namespace pare::data
