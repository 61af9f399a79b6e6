// SPDX-License-Identifier: Apache-2.0
// One figure of a candidate, with what is needed to say how sure it is: the counts, the standard
// error or the repetitions behind it, not an interval at one level. A report keeps its figures, so
// that a budget with any confidence can be judged later from the report alone.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/eval/statistics.hpp"

namespace pare::eval {

// Known without error, as the bytes of a file are.
struct Exact {
  bool operator==(const Exact&) const = default;
};
// `count` of `items`; Wilson's interval.
struct Proportion {
  int64_t count = 0, items = 0;
  bool operator==(const Proportion&) const = default;
};
// (lost - gained) / items / unit of two models on the same items; Tango's interval. `unit` is what
// the drop is a share of: 1, or the base's accuracy.
struct PairedCounts {
  int64_t lost = 0, gained = 0, items = 0;
  double unit = 1;
  bool operator==(const PairedCounts&) const = default;
};
// A smooth function of the mean over items; Student's t interval.
struct MeanOfItems {
  double standard_error = 0;
  int64_t items = 0;
  bool operator==(const MeanOfItems&) const = default;
};
// Median over blocks of interleaved runs; bootstrap over blocks.
struct MedianOfBlocks {
  std::vector<double> blocks;
  bool operator==(const MedianOfBlocks&) const = default;
};
// Repetitions without a distribution worth a name: the interval is from least to most.
struct Range {
  double low = 0, high = 0;
  bool operator==(const Range&) const = default;
};
// The largest paired drop among groups of items (classes, slices).
struct WorstGroup {
  struct Group {
    std::string name;
    PairedCounts counts;
    bool operator==(const Group&) const = default;
  };
  std::vector<Group> groups;
  bool operator==(const WorstGroup&) const = default;
};

using Spread =
    std::variant<Exact, Proportion, PairedCounts, MeanOfItems, MedianOfBlocks, Range, WorstGroup>;

struct Figure {
  std::string name;  // a key of budgets, e.g. "accuracy_drop"
  double value = 0;
  Spread spread;
  bool operator==(const Figure&) const = default;
};

// Fewer items than this say nothing about a mean's error: its interval is then infinite.
inline constexpr int64_t kLeastItemsOfMean = 30;
// Fewer blocks than this say nothing about a median's error.
inline constexpr size_t kLeastBlocks = 8;

Figure proportion(std::string name, int64_t count, int64_t items);
Figure paired_drop(std::string name, const PairedCounts& counts);
// No figure when no group has items; when only some have, no interval of it ends.
std::optional<Figure> worst_group(std::string name, std::vector<WorstGroup::Group> groups);

// Two-sided interval. Of a worst group: up to the largest upper end, and down to the largest lower
// end after Bonferroni's correction, since the group was picked after looking at all of them.
Interval interval_of(const Figure& figure, double confidence);

// How many items or blocks in all would put the interval on one side of `bound`, if the value and
// its variance stay as they are; absent when no number would (or more than 10^9).
struct Needed {
  int64_t count = 0;
  std::string unit;  // "items", "blocks"
};
std::optional<Needed> needed_to_decide(const Figure& figure, const Interval& interval, double bound,
                                       double confidence);

// {"accuracy_drop": {"value": 0.001, "lost": 12, "gained": 2, "items": 10000}, ...}
Json to_json(const std::vector<Figure>& figures);
// Throws Error(subject, ...) on JSON that to_json could not have written, naming the figure.
std::vector<Figure> figures_from_json(const Json& json, const std::string& subject);

const Figure* find_figure(const std::vector<Figure>& figures, std::string_view name);

}  // namespace pare::eval
