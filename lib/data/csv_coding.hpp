// SPDX-License-Identifier: Apache-2.0
// How the columns of a table become numbers: learned from train, stored in the model as JSON,
// applied to every other table unchanged, so that training and deployment cannot disagree.
// {"header": bool, "label": NAME, "label_position": N, "classes": [...], "columns": [
//    {"name": NAME, "kind": "numeric", "fill": VALUE},
//    {"name": NAME, "kind": "categorical", "values": [...]}]}   (the label is not among the
//    columns)
#pragma once

#include <string>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/core/progress.hpp"
#include "lib/data/array.hpp"
#include "lib/data/csv_table.hpp"

namespace pare::data {

class CsvCoding {
 public:
  // A column whose present fields are all numbers is numeric, any other categorical. `label_column`
  // is a name or "" for the last. Throws Error(table.path) on an unknown label column, NaN or Inf
  // (row and column named), and more than kMaxCategories different values.
  // With `numbers` the label is a number to predict, and there are no classes.
  static CsvCoding learn(const CsvTable& table, const std::string& label_column,
                         bool numbers = false);
  // Throws Error(subject) on JSON that learn() could not have made.
  static CsvCoding from_json(const Json& json, const std::string& subject);
  Json to_json() const;

  int64_t features() const;
  const std::vector<std::string>& classes() const { return classes_; }
  bool predicts_numbers() const { return classes_.empty(); }
  const std::string& label_name() const { return label_name_; }
  // Every column name in file order, or empty when the file had no header.
  std::vector<std::string> known_header() const;
  // One-hot for categories (an unknown one is all zeros, and warned of); a missing number ("" or
  // "?") becomes the mean of train, and is warned of. Throws Error(table.path) on a class that is
  // not known.
  Array encode(const CsvTable& table, Progress& progress) const;

  static constexpr size_t kMaxCategories = 1000;

 private:
  struct Column {
    std::string name;
    bool numeric = false;
    double fill = 0;                  // mean of the present numbers
    std::vector<std::string> values;  // sorted
  };
  struct Gaps {
    int64_t missing = 0, unknown = 0;
  };
  static Column learn_column(const CsvTable& table, size_t column, const std::string& name);
  void encode_labels(const CsvTable& table, Array& out) const;
  void encode_column(const CsvTable& table, size_t from, const Column& column, size_t at,
                     std::vector<float>& out, Gaps& gaps) const;

  bool header_ = false;
  size_t label_ = 0;  // position of the label among all columns
  std::string label_name_;
  std::vector<Column> columns_;
  std::vector<std::string> classes_;
};

}  // namespace pare::data
