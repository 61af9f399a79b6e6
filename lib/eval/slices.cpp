// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/slices.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "lib/core/error.hpp"
#include "lib/data/csv_table.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMostValues = 1000;

// Where a column of a table lies in an item: one number, or one-hot over its categories.
struct Place {
  size_t at = 0;
  bool numeric = false;
  std::vector<std::string> values;
};

Place place_of(const data::DatasetInfo& info, const std::string& column) {
  if (!info.columns.is_object()) {
    throw Error(info.source, "has no columns to slice by; give a slice file");
  }
  if (info.columns.value("label", "") == column) {
    throw Error(info.source, "column '" + escaped(column, 60) +
                                 "' is the label: classes are "
                                 "compared anyway");
  }
  Place place;
  std::string known;
  for (const Json& entry : info.columns.at("columns")) {
    const std::string name = entry.at("name").get<std::string>();
    place.numeric = entry.at("kind") == "numeric";
    place.values.clear();
    if (!place.numeric) place.values = entry.at("values").get<std::vector<std::string>>();
    if (name == column) return place;
    place.at += place.numeric ? 1 : place.values.size();
    known += (known.empty() ? "" : ", ") + escaped(name, 60);
  }
  throw Error(info.source, "has no column '" + escaped(column, 60) + "'; it has " + known);
}

std::string number_text(float value) {
  const std::string text = fixed(static_cast<double>(value), 4);
  return text.substr(0, text.find_last_not_of('0') + 1 - (text[text.find_last_not_of('0')] == '.'));
}

// Few numbers are values of their own, many are cut at their quartiles.
void slice_numbers(const std::vector<float>& numbers, SliceColumn& out) {
  std::set<float> distinct;
  for (const float number : numbers) {
    distinct.insert(number);
    if (distinct.size() > kMostNumbers) break;
  }
  std::vector<float> ends(distinct.begin(), distinct.end());  // of each slice, the largest in it
  const bool quartiles = distinct.size() > kMostNumbers;
  if (quartiles) {
    std::vector<float> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    ends.clear();
    for (size_t quarter = 1; quarter <= 4; ++quarter) {
      const float end = sorted[(sorted.size() * quarter - 1) / 4];
      if (ends.empty() || end > ends.back()) ends.push_back(end);
    }
  }
  for (size_t i = 0; i < ends.size(); ++i) {
    std::string name = number_text(ends[i]);
    if (quartiles) {
      name = i == 0                 ? "up to " + name
             : i + 1 == ends.size() ? "above " + number_text(ends[i - 1])
                                    : number_text(ends[i - 1]) + " to " + name;
    }
    out.values.push_back(std::move(name));
  }
  for (const float number : numbers) {
    const auto found = std::lower_bound(ends.begin(), ends.end(), number);
    out.of_item.push_back(static_cast<int32_t>(found - ends.begin()));
  }
}

SliceResult summarised(const SliceColumn& column, size_t value, const PairedCounts& counts,
                       int64_t base_correct) {
  SliceResult out{column.name, column.values[value], counts, base_correct,
                  base_correct - counts.lost + counts.gained};
  if (counts.items == 0) return out;
  out.drop = static_cast<double>(counts.lost - counts.gained) / static_cast<double>(counts.items);
  out.drop_interval = paired_difference_interval(counts.lost, counts.gained, counts.items);
  out.p = mcnemar_exact_p(counts.lost, counts.gained);
  return out;
}

// Of adjusted p-values in the order of the slices that have items.
template <class Slice, class HasItems>
void adjust(std::vector<Slice>& slices, const HasItems& has_items) {
  std::vector<double> p_values;
  for (const Slice& slice : slices) {
    if (has_items(slice)) p_values.push_back(slice.p);
  }
  const std::vector<double> adjusted = holm_adjusted(p_values);
  auto next = adjusted.begin();
  for (Slice& slice : slices) {
    if (has_items(slice)) slice.p_holm = *next++;
  }
}

// Mean over targets of an item's absolute errors.
std::vector<double> errors_of_items(std::span<const float> predicted, std::span<const float> truth,
                                    size_t width) {
  std::vector<double> out(truth.size() / width);
  for (size_t k = 0; k < truth.size(); ++k) {
    out[k / width] += std::abs(static_cast<double>(predicted[k]) - static_cast<double>(truth[k])) /
                      static_cast<double>(width);
  }
  return out;
}

// `before` and `after`: the errors of the slice's items.
ErrorSlice summarised(const SliceColumn& column, size_t value, const std::vector<double>& before,
                      const std::vector<double>& after) {
  ErrorSlice out{column.name, column.values[value], static_cast<int64_t>(before.size())};
  if (out.items == 0) return out;
  std::vector<double> rises(before.size());
  for (size_t i = 0; i < rises.size(); ++i) rises[i] = after[i] - before[i];
  const auto n = static_cast<double>(out.items);
  out.base_mae = std::accumulate(before.begin(), before.end(), 0.0) / n;
  out.mae = std::accumulate(after.begin(), after.end(), 0.0) / n;
  const PairedT t = paired_t_interval(rises);
  out.rise = t.mean;
  if (!out.decides()) return out;
  out.rise_interval = t.interval;
  const double half = (t.interval.high - t.interval.low) / 2.0;
  if (half > 0) {
    const double error = half / student_t_quantile(0.975, n - 1.0);
    out.p = 2.0 * student_t_cdf(-std::abs(t.mean) / error, n - 1.0);
  } else {
    out.p = t.mean == 0.0 ? 1.0 : 0.0;  // every item rises by the same
  }
  return out;
}

}  // namespace

SliceColumn slice_by_column(const data::Dataset& dataset, const std::string& column) {
  const Place place = place_of(dataset.info(), column);
  SliceColumn out{column, place.values, {}};
  std::vector<float> item(
      static_cast<size_t>(ir::element_count(dataset.info().item, dataset.info().source)));
  std::vector<float> numbers;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, item);
    if (place.numeric) {
      numbers.push_back(item[place.at]);
      continue;
    }
    const auto first = item.begin() + static_cast<std::ptrdiff_t>(place.at);
    const auto last = first + static_cast<std::ptrdiff_t>(place.values.size());
    const auto hot = std::find(first, last, 1.0F);
    out.of_item.push_back(hot == last ? -1 : static_cast<int32_t>(hot - first));
  }
  if (place.numeric) slice_numbers(numbers, out);
  return out;
}

std::vector<SliceColumn> read_slices(const std::string& path, int64_t items) {
  const data::CsvTable table = data::read_csv_with_header(path);
  if (static_cast<int64_t>(table.rows()) != items) {
    throw Error(path, "has " + std::to_string(table.rows()) + " rows, the data " +
                          std::to_string(items) + " items");
  }
  std::vector<SliceColumn> columns;
  for (size_t c = 0; c < table.columns; ++c) {
    std::map<std::string, int32_t, std::less<>> indices;
    for (size_t row = 0; row < table.rows(); ++row) {
      const std::string_view cell = table.cell(row, c);
      if (!cell.empty()) indices.emplace(cell, 0);
      if (indices.size() > kMostValues) {
        throw Error(path, "column '" + escaped(table.header[c], 60) + "' has more than " +
                              std::to_string(kMostValues) + " different values");
      }
    }
    if (indices.empty()) {
      throw Error(path, "column '" + escaped(table.header[c], 60) + "' puts no item in a slice");
    }
    SliceColumn column{table.header[c], {}, {}};
    for (auto& [value, index] : indices) {
      index = static_cast<int32_t>(column.values.size());
      column.values.push_back(value);
    }
    for (size_t row = 0; row < table.rows(); ++row) {
      const auto found = indices.find(table.cell(row, c));
      column.of_item.push_back(found == indices.end() ? -1 : found->second);
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<SliceResult> compare_slices(const Predictions& base, const Predictions& candidate,
                                        std::span<const int64_t> labels,
                                        std::span<const SliceColumn> columns) {
  std::vector<SliceResult> results;
  for (const SliceColumn& column : columns) {
    require(column.of_item.size() == labels.size(), "a slice column has a value an item");
    std::vector<PairedCounts> counts(column.values.size());
    std::vector<int64_t> base_correct(column.values.size());
    for (size_t i = 0; i < labels.size(); ++i) {
      if (column.of_item[i] < 0) continue;
      const auto value = static_cast<size_t>(column.of_item[i]);
      const bool before = base.predicted[i] == labels[i];
      const bool after = candidate.predicted[i] == labels[i];
      ++counts[value].items;
      counts[value].lost += before && !after;
      counts[value].gained += !before && after;
      base_correct[value] += before;
    }
    for (size_t value = 0; value < counts.size(); ++value) {
      results.push_back(summarised(column, value, counts[value], base_correct[value]));
    }
  }
  adjust(results, [](const SliceResult& slice) { return slice.counts.items > 0; });
  return results;
}

std::vector<ErrorSlice> compare_error_slices(std::span<const float> base,
                                             std::span<const float> candidate,
                                             std::span<const float> truth, size_t width,
                                             std::span<const SliceColumn> columns) {
  const std::vector<double> before = errors_of_items(base, truth, width);
  const std::vector<double> after = errors_of_items(candidate, truth, width);
  std::vector<ErrorSlice> results;
  for (const SliceColumn& column : columns) {
    require(column.of_item.size() == before.size(), "a slice column has a value an item");
    std::vector<std::vector<double>> theirs(column.values.size()), ours(column.values.size());
    for (size_t i = 0; i < before.size(); ++i) {
      if (column.of_item[i] < 0) continue;
      const auto value = static_cast<size_t>(column.of_item[i]);
      theirs[value].push_back(before[i]);
      ours[value].push_back(after[i]);
    }
    for (size_t value = 0; value < theirs.size(); ++value) {
      results.push_back(summarised(column, value, theirs[value], ours[value]));
    }
  }
  adjust(results, [](const ErrorSlice& slice) { return slice.items > 0; });
  return results;
}

std::optional<Figure> slice_figure(const std::vector<SliceResult>& slices) {
  std::vector<WorstGroup::Group> groups;
  for (const SliceResult& slice : slices) groups.push_back({slice.name(), slice.counts});
  return worst_group("worst_slice_drop", std::move(groups));
}

}  // namespace pare::eval
