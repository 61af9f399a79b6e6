// SPDX-License-Identifier: Apache-2.0
// Groups of items that a compression may harm while the whole looks well: accuracy and drop of
// each, corrected for having looked at all of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/data/dataset.hpp"
#include "lib/eval/figure.hpp"
#include "lib/eval/predictions.hpp"

namespace pare::eval {

// One way to group the items: every item has one of `values`, or none (-1).
struct SliceColumn {
  std::string name;
  std::vector<std::string> values;
  std::vector<int32_t> of_item;  // [items], index into values
};

// A column of a table: its categories as they are, its numbers by value when they have at most
// kMostNumbers, else by quartile. Throws Error(data source) when there is no such column, naming
// those there are.
SliceColumn slice_by_column(const data::Dataset& dataset, const std::string& column);
inline constexpr size_t kMostNumbers = 10;

// Columns of a CSV file with a header line and a row an item, in the data's order; an empty field
// is no slice. Throws Error(path) on another number of rows or too many values.
std::vector<SliceColumn> read_slices(const std::string& path, int64_t items);

struct SliceResult {
  std::string column, value;
  PairedCounts counts;  // items may be 0
  int64_t base_correct = 0;
  int64_t correct = 0;
  double drop = 0;         // base's accuracy minus this one's
  Interval drop_interval;  // Tango, 95 %, of this slice alone
  double p = 1;            // exact McNemar
  double p_holm = 1;       // adjusted over all slices with items, of all columns
  bool harmed() const { return p_holm < 0.05 && drop > 0; }
  std::string name() const { return column + "=" + value; }
};

std::vector<SliceResult> compare_slices(const Predictions& base, const Predictions& candidate,
                                        std::span<const int64_t> labels,
                                        std::span<const SliceColumn> columns);

// Likewise of models that predict numbers, by mean absolute error over items and targets.
struct ErrorSlice {
  std::string column, value;
  int64_t items = 0;  // may be 0
  double base_mae = 0;
  double mae = 0;
  double rise = 0;         // mae minus the base's
  Interval rise_interval;  // Student's t of the paired differences, 95 %, of this slice alone ...
  double p = 1;            // ... and its two-sided p-value
  double p_holm = 1;       // adjusted over all slices with items, of all columns
  // Fewer items than kLeastItemsOfMean decide nothing: no interval, p of 1.
  bool decides() const { return items >= kLeastItemsOfMean; }
  bool harmed() const { return p_holm < 0.05 && rise > 0; }
  std::string name() const { return column + "=" + value; }
};

// Row-major [items, width] each.
std::vector<ErrorSlice> compare_error_slices(std::span<const float> base,
                                             std::span<const float> candidate,
                                             std::span<const float> truth, size_t width,
                                             std::span<const SliceColumn> columns);

// worst_slice_drop.
std::optional<Figure> slice_figure(const std::vector<SliceResult>& slices);

}  // namespace pare::eval
