// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/figure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMostNeeded = 1e9;

template <class... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overload(Cases...) -> Overload<Cases...>;

double drop_of(const PairedCounts& counts) {
  return static_cast<double>(counts.lost - counts.gained) / static_cast<double>(counts.items) /
         counts.unit;
}

Interval interval_of(const PairedCounts& counts, double confidence) {
  const Interval drop =
      paired_difference_interval(counts.lost, counts.gained, counts.items, confidence);
  return {drop.low / counts.unit, drop.high / counts.unit};
}

Interval interval_of(const WorstGroup& worst, double confidence) {
  const double each = 1.0 - (1.0 - confidence) / static_cast<double>(worst.groups.size());
  Interval interval{-kInfinity, -kInfinity};
  for (const WorstGroup::Group& group : worst.groups) {
    if (group.counts.items == 0) {
      interval.high = kInfinity;  // nothing is known of it
      continue;
    }
    interval.low = std::max(interval.low, interval_of(group.counts, each).low);
    interval.high = std::max(interval.high, interval_of(group.counts, confidence).high);
  }
  return interval;
}

Interval interval_of_mean(double value, const MeanOfItems& mean, double confidence) {
  if (mean.items < kLeastItemsOfMean) return {-kInfinity, kInfinity};
  const double half = mean.standard_error * student_t_quantile(0.5 + 0.5 * confidence,
                                                               static_cast<double>(mean.items - 1));
  return {value - half, value + half};
}

Interval interval_of_blocks(const MedianOfBlocks& median, double confidence) {
  if (median.blocks.size() < kLeastBlocks) return {-kInfinity, kInfinity};
  return bootstrap_median(median.blocks, {.confidence = confidence});
}

int64_t items_of(const WorstGroup& worst) {
  int64_t items = 0;
  for (const WorstGroup::Group& group : worst.groups) items += group.counts.items;
  return items;
}

int64_t scaled(int64_t count, double factor) {
  return std::llround(static_cast<double>(count) * factor);
}

PairedCounts scaled(const PairedCounts& counts, double factor) {
  PairedCounts out{scaled(counts.lost, factor), scaled(counts.gained, factor), 0, counts.unit};
  out.items = std::max(scaled(counts.items, factor), out.lost + out.gained);
  return out;
}

// The same rates on more items; anything but counts as it is.
Spread scaled(const Spread& spread, double factor) {
  return std::visit(Overload{[&](const Proportion& p) -> Spread {
                               return Proportion{scaled(p.count, factor), scaled(p.items, factor)};
                             },
                             [&](const PairedCounts& p) -> Spread { return scaled(p, factor); },
                             [&](const WorstGroup& w) -> Spread {
                               WorstGroup out = w;
                               for (WorstGroup::Group& group : out.groups) {
                                 group.counts = scaled(group.counts, factor);
                               }
                               return out;
                             },
                             [&](const auto& other) -> Spread { return other; }},
                    spread);
}

Json spread_json(const Spread& spread) {
  return std::visit(
      Overload{[](const Exact&) { return Json::object(); },
               [](const Proportion& p) {
                 return Json{{"count", p.count}, {"items", p.items}};
               },
               [](const PairedCounts& p) {
                 Json out{{"lost", p.lost}, {"gained", p.gained}, {"items", p.items}};
                 if (p.unit != 1.0) out["unit"] = p.unit;
                 return out;
               },
               [](const MeanOfItems& m) {
                 return Json{{"standard_error", m.standard_error}, {"items", m.items}};
               },
               [](const MedianOfBlocks& m) {
                 return Json{{"blocks", m.blocks}};
               },
               [](const Range& r) {
                 return Json{{"least", r.low}, {"most", r.high}};
               },
               [](const WorstGroup& w) {
                 Json groups = Json::array();
                 for (const WorstGroup::Group& group : w.groups) {
                   groups.push_back({{"name", group.name},
                                     {"lost", group.counts.lost},
                                     {"gained", group.counts.gained},
                                     {"items", group.counts.items}});
                 }
                 return Json{{"groups", groups}};
               }},
      spread);
}

double worst_drop(const WorstGroup& worst) {
  double drop = -kInfinity;
  for (const WorstGroup::Group& group : worst.groups) {
    if (group.counts.items > 0) drop = std::max(drop, drop_of(group.counts));
  }
  return drop;
}

// What the counts or repetitions behind a figure make of it; its own value where they cannot say.
double value_of(const Figure& figure) {
  return std::visit(
      Overload{[](const Proportion& p) {
                 return static_cast<double>(p.count) / static_cast<double>(p.items);
               },
               [](const PairedCounts& p) { return drop_of(p); },
               [](const MedianOfBlocks& m) { return quantile(m.blocks, 0.5); },
               [](const WorstGroup& w) { return worst_drop(w); },
               [&](const Range& r) { return std::clamp(figure.value, r.low, r.high); },
               [&](const auto&) { return figure.value; }},
      figure.spread);
}

// One figure's JSON object, read with errors that name it.
class FigureReader {
 public:
  FigureReader(const Json& json, std::string name, const std::string& subject)
      : json_(json), name_(std::move(name)), subject_(subject) {
    if (!json_.is_object()) throw error("expected an object");
  }

  Figure read() const {
    Figure figure{name_, number(json_, "value"), spread()};
    const double expected = value_of(figure);
    if (std::abs(figure.value - expected) > 1e-9 * std::max(1.0, std::abs(expected))) {
      throw error("a value that what is behind it contradicts");
    }
    return figure;
  }

 private:
  Spread spread() const {
    if (json_.contains("count")) {
      const Proportion out{count(json_, "count"), count(json_, "items")};
      if (out.items < 1 || out.count > out.items) throw error("counts that contradict each other");
      return out;
    }
    if (json_.contains("lost")) return paired(json_);
    if (json_.contains("standard_error")) {
      const MeanOfItems out{number(json_, "standard_error"), count(json_, "items")};
      if (out.standard_error < 0) throw error("a negative standard error");
      return out;
    }
    if (json_.contains("blocks")) return blocks();
    if (json_.contains("least")) {
      const Range out{number(json_, "least"), number(json_, "most")};
      if (out.low > out.high) throw error("least above most");
      return out;
    }
    if (json_.contains("groups")) return groups();
    // Only bytes are known without error: anything else would be decided by its value alone.
    if (!name_.starts_with("file_bytes")) throw error("nothing that says how sure it is");
    return Exact{};
  }

  PairedCounts paired(const Json& json) const {
    const PairedCounts out = any_paired(json);
    if (out.items < 1) throw error("no items");
    return out;
  }

  PairedCounts any_paired(const Json& json) const {
    PairedCounts out{count(json, "lost"), count(json, "gained"), count(json, "items")};
    if (json.contains("unit")) out.unit = number(json, "unit");
    if (!(out.unit > 0) || out.lost > out.items - std::min(out.gained, out.items)) {
      throw error("counts that contradict each other");
    }
    return out;
  }

  MedianOfBlocks blocks() const {
    MedianOfBlocks out;
    const Json& list = json_.at("blocks");
    if (!list.is_array() || list.empty()) throw error("expected a list of blocks");
    for (const Json& value : list) {
      if (!value.is_number()) throw error("a block that is no number");
      out.blocks.push_back(value.get<double>());
    }
    return out;
  }

  WorstGroup groups() const {
    WorstGroup out;
    const Json& list = json_.at("groups");
    if (!list.is_array() || list.empty()) throw error("expected a list of groups");
    for (const Json& group : list) {
      if (!group.is_object() || !group.contains("name") || !group.at("name").is_string()) {
        throw error("a group without a name");
      }
      out.groups.push_back({group.at("name").get<std::string>(), any_paired(group)});
    }
    return out;
  }

  double number(const Json& json, const char* key) const {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number() || !std::isfinite(found->get<double>())) {
      throw error(std::string("expected a number as ") + key);
    }
    return found->get<double>();
  }

  int64_t count(const Json& json, const char* key) const {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_integer() ||
        (found->is_number_unsigned() && found->get<uint64_t>() > uint64_t{1} << 62) ||
        found->get<int64_t>() < 0) {
      throw error(std::string("expected a count as ") + key);
    }
    return found->get<int64_t>();
  }

  Error error(const std::string& fact) const { return Error(subject_, name_ + ": " + fact); }

  const Json& json_;
  std::string name_;
  const std::string& subject_;
};

}  // namespace

Figure proportion(std::string name, int64_t count, int64_t items) {
  return {std::move(name), static_cast<double>(count) / static_cast<double>(items),
          Proportion{count, items}};
}

Figure paired_drop(std::string name, const PairedCounts& counts) {
  return {std::move(name), drop_of(counts), counts};
}

std::optional<Figure> worst_group(std::string name, std::vector<WorstGroup::Group> groups) {
  WorstGroup worst{std::move(groups)};
  const double drop = worst_drop(worst);
  if (std::isinf(drop)) return std::nullopt;
  return Figure{std::move(name), drop, std::move(worst)};
}

Interval interval_of(const Figure& figure, double confidence) {
  return std::visit(
      Overload{[&](const Exact&) {
                 return Interval{figure.value, figure.value};
               },
               [&](const Proportion& p) {
                 return wilson_interval(p.count, p.items, normal_quantile(0.5 + 0.5 * confidence));
               },
               [&](const PairedCounts& p) { return interval_of(p, confidence); },
               [&](const MeanOfItems& m) { return interval_of_mean(figure.value, m, confidence); },
               [&](const MedianOfBlocks& m) { return interval_of_blocks(m, confidence); },
               [&](const Range& r) {
                 return Interval{r.low, r.high};
               },
               [&](const WorstGroup& w) { return interval_of(w, confidence); }},
      figure.spread);
}

std::optional<Needed> needed_to_decide(const Figure& figure, const Interval& interval, double bound,
                                       double confidence) {
  // A mean's or median's interval shrinks with the root of the count.
  const auto by_root = [&](int64_t count, const char* unit) -> std::optional<Needed> {
    const double half =
        bound >= figure.value ? interval.high - figure.value : figure.value - interval.low;
    const double gap = std::abs(bound - figure.value);
    const double needed = std::ceil(static_cast<double>(count) * (half / gap) * (half / gap));
    if (!(needed <= kMostNeeded)) return std::nullopt;
    return Needed{std::max(static_cast<int64_t>(needed), count + 1), unit};
  };
  // A score interval shrinks faster when nothing changed: the counts themselves are scaled.
  const auto by_counts = [&](int64_t items) -> std::optional<Needed> {
    const auto decided = [&](double factor) {
      const Interval at = interval_of(Figure{"", 0, scaled(figure.spread, factor)}, confidence);
      return at.high <= bound || at.low >= bound;
    };
    double low = 1.0;
    double high = 2.0;
    const double most = kMostNeeded / static_cast<double>(items);
    while (high < most && !decided(high)) low = std::exchange(high, 2.0 * high);
    if (high >= most) return std::nullopt;
    for (int i = 0; i < 20; ++i) {
      const double middle = 0.5 * (low + high);
      (decided(middle) ? high : low) = middle;
    }
    return Needed{static_cast<int64_t>(std::ceil(high * static_cast<double>(items))), "items"};
  };
  return std::visit(
      Overload{[](const Exact&) { return std::optional<Needed>(); },
               [](const Range&) { return std::optional<Needed>(); },
               [&](const Proportion& p) { return by_counts(p.items); },
               [&](const PairedCounts& p) { return by_counts(p.items); },
               [&](const WorstGroup& w) { return by_counts(items_of(w)); },
               [&](const MeanOfItems& m) {
                 if (m.items >= kLeastItemsOfMean) return by_root(m.items, "items");
                 return std::optional(Needed{kLeastItemsOfMean, "items"});
               },
               [&](const MedianOfBlocks& m) {
                 if (m.blocks.size() >= kLeastBlocks) {
                   return by_root(static_cast<int64_t>(m.blocks.size()), "blocks");
                 }
                 return std::optional(Needed{static_cast<int64_t>(kLeastBlocks), "blocks"});
               }},
      figure.spread);
}

Json to_json(const std::vector<Figure>& figures) {
  Json out = Json::object();
  for (const Figure& figure : figures) {
    Json entry{{"value", figure.value}};
    entry.update(spread_json(figure.spread));
    out[figure.name] = std::move(entry);
  }
  return out;
}

std::vector<Figure> figures_from_json(const Json& json, const std::string& subject) {
  if (!json.is_object()) throw Error(subject, "figures: expected an object");
  std::vector<Figure> figures;
  for (const auto& [name, entry] : json.items()) {
    figures.push_back(FigureReader(entry, escaped(name), subject).read());
  }
  return figures;
}

const Figure* find_figure(const std::vector<Figure>& figures, std::string_view name) {
  const auto found =
      std::find_if(figures.begin(), figures.end(), [&](const Figure& f) { return f.name == name; });
  return found == figures.end() ? nullptr : &*found;
}

}  // namespace pare::eval
