// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/table.hpp"

#include <algorithm>
#include <functional>

#include "lib/core/error.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr double kSignificant = 0.05;
const Cell kAbsent{kNotMeasured, Tone::kMuted};
const Cell kBase{"base", Tone::kMuted};
const Cell kNone{"–", Tone::kMuted};

using MakeCell = std::function<Cell(const CandidateReport&)>;

template <class T, class Show>
Cell shown(const std::optional<T>& value, const Show& show) {
  return value ? Cell{show(*value)} : kAbsent;
}

// A cell of the comparison with the base.
MakeCell against_base(std::function<Cell(const Comparison&)> show, const Cell& of_base = kNone) {
  return [show = std::move(show), of_base](const CandidateReport& c) {
    return c.comparison ? show(*c.comparison) : of_base;
  };
}

MakeCell of_size(std::function<std::string(const SizeReport&)> show) {
  return [show = std::move(show)](const CandidateReport& c) {
    return c.size ? Cell{show(*c.size)} : kAbsent;
  };
}

MakeCell of_latency(std::function<std::string(const LatencySummary&)> show) {
  return [show = std::move(show)](const CandidateReport& c) {
    return c.latency ? Cell{show(*c.latency)} : kAbsent;
  };
}

Tone tone_of_change(const Comparison& c) {
  if (c.mcnemar_p >= kSignificant) return Tone::kNeutral;
  return c.difference > 0 ? Tone::kBetter : Tone::kWorse;
}

std::string interval_text(const Interval& interval,
                          const std::function<std::string(double)>& show) {
  return show(interval.low) + " … " + show(interval.high);
}

Cell ratio_cell(const CandidateReport& c, bool is_base) {
  if (is_base && c.latency) return kBase;
  if (!c.latency || !c.latency->ratio) return kAbsent;
  const Interval& interval = c.latency->ratio_interval;
  const Tone tone = interval.high < 1  ? Tone::kBetter
                    : interval.low > 1 ? Tone::kWorse
                                       : Tone::kNeutral;
  return {times(*c.latency->ratio), tone};
}

Cell ratio_interval_cell(const CandidateReport& c, bool is_base) {
  if (is_base && c.latency) return kNone;
  if (!c.latency || !c.latency->ratio) return kAbsent;
  return {interval_text(c.latency->ratio_interval, times)};
}

Cell file_ratio_cell(const Report& report, const CandidateReport& c) {
  const CandidateReport& base = report.candidates.front();
  if (&c == &base && c.size) return kBase;
  if (!c.size || !base.size || c.size->file_bytes <= 0) return kAbsent;
  const double ratio =
      static_cast<double>(c.size->file_bytes) / static_cast<double>(base.size->file_bytes);
  return {times(ratio), ratio < 1 ? Tone::kBetter : ratio > 1 ? Tone::kWorse : Tone::kNeutral};
}

class Rows {
 public:
  explicit Rows(const Report& report) : report_(report) {}

  void add(std::string label, std::string meaning, const MakeCell& make) {
    Row row{std::move(label), std::move(meaning), {}};
    for (const CandidateReport& c : report_.candidates) row.cells.push_back(make(c));
    rows_.push_back(std::move(row));
  }
  // Only when some candidate has it.
  void add_if_any(std::string label, std::string meaning, const MakeCell& make) {
    add(std::move(label), std::move(meaning), make);
    const auto& cells = rows_.back().cells;
    const bool any = std::any_of(cells.begin(), cells.end(),
                                 [](const Cell& cell) { return cell.tone != Tone::kMuted; });
    if (!any) rows_.pop_back();
  }
  std::vector<Row> take() { return std::move(rows_); }

 private:
  const Report& report_;
  std::vector<Row> rows_;
};

void add_accuracy(const Report& report, Rows& rows) {
  rows.add("accuracy", "Share of items whose top class is right.",
           [](const auto& c) { return Cell{percent(c.metrics.top1)}; });
  rows.add("95 % interval", "Wilson score interval of the accuracy.", [](const auto& c) {
    const auto show = [](double v) { return fixed(v * 100.0, 2); };
    return Cell{interval_text(c.metrics.top1_interval, show)};
  });
  rows.add_if_any(
      "top-5", "Share of items whose class is among the five largest logits.",
      [](const auto& c) { return shown(c.metrics.top5, [](double v) { return percent(v); }); });
  rows.add_if_any("change, points", "Accuracy minus the base's, in percentage points.",
                  against_base(
                      [](const Comparison& c) {
                        return Cell{points(c.difference), tone_of_change(c)};
                      },
                      kBase));
  rows.add_if_any("its 95 % interval", "Tango's score interval of paired proportions.",
                  against_base([](const Comparison& c) {
                    const auto show = [](double v) { return points(v); };
                    return Cell{interval_text(c.difference_interval, show)};
                  }));
  rows.add_if_any("McNemar p", "Exact two-sided McNemar test against the base, on the same items.",
                  against_base([](const Comparison& c) { return Cell{p_value(c.mcnemar_p)}; }));
  rows.add_if_any("lost / gained", "Items right in the base and wrong here, and the other way.",
                  against_base([](const Comparison& c) {
                    return Cell{grouped(c.lost) + " / " + grouped(c.gained)};
                  }));
  rows.add_if_any("worst class", "Largest change for the worse of one class's accuracy, in points.",
                  against_base([&report](const Comparison& c) {
                    return Cell{points(-c.worst_class_drop, 1) + " (" +
                                class_name(report, c.worst_class) + ")"};
                  }));
  rows.add_if_any("agreement", "Share of items with the same top class as the base.",
                  against_base([](const Comparison& c) { return Cell{percent(c.agreement)}; }));
  rows.add_if_any("KL to base",
                  "Mean Kullback-Leibler divergence from the base's class "
                  "probabilities, in nats.",
                  against_base([](const Comparison& c) {
                    return c.divergence ? Cell{fixed(c.divergence->mean, 4)} : kAbsent;
                  }));
  rows.add("macro F1", "Mean of the classes' F1 scores.",
           [](const auto& c) { return Cell{fixed(c.metrics.macro_f1, 4)}; });
  rows.add_if_any(
      "AUROC", "Area under the ROC curve, mean over classes against the rest.",
      [](const auto& c) { return shown(c.metrics.auc, [](double v) { return fixed(v, 4); }); });
  rows.add_if_any("log loss", "Mean negative log-probability of the right class, in nats.",
                  [](const auto& c) {
                    return shown(c.metrics.log_loss, [](double v) { return fixed(v, 4); });
                  });
  rows.add_if_any("calibration error", "Expected calibration error, 15 bins.", [](const auto& c) {
    return shown(c.metrics.calibration_error, [](double v) { return percent(v); });
  });
}

MakeCell of_figure(const char* name, const Cell& absent, int decimals = 5) {
  return [name, absent, decimals](const CandidateReport& c) {
    const Figure* figure = find_figure(c.figures, name);
    return figure == nullptr ? absent : Cell{fixed(figure->value, decimals)};
  };
}

// A rise of an error or a drop of R2 with its interval; coloured when that leaves 0 out.
MakeCell of_change(const char* name) {
  return [name](const CandidateReport& c) {
    const Figure* figure = find_figure(c.figures, name);
    if (figure == nullptr) return kBase;
    const Interval interval = interval_of(*figure, 0.95);
    const auto show = [](double v) { return signed_fixed(v, 5); };
    const Tone tone = interval.low > 0    ? Tone::kWorse
                      : interval.high < 0 ? Tone::kBetter
                                          : Tone::kNeutral;
    return Cell{interval_text(interval, show), tone};
  };
}

void add_errors(const Report& report, Rows& rows) {
  rows.add("MAE", "Mean absolute error over items and targets.", of_figure("mae", kAbsent));
  rows.add("RMSE", "Root mean squared error over items and targets.", of_figure("rmse", kAbsent));
  rows.add("R²", "Share of the targets' variance that is explained, mean over targets.",
           of_figure("r2", kAbsent));
  if (report.candidates.size() > 1) {
    rows.add("MAE rise, 95 %", "Interval of the paired difference from the base.",
             of_change("mae_rise"));
    rows.add("RMSE rise, 95 %", "Interval of the paired difference from the base.",
             of_change("rmse_rise"));
    rows.add_if_any("R² drop, 95 %", "Interval of the paired difference from the base.",
                    of_change("r2_drop"));
  }
  const auto& targets = report.candidates.front().regression->targets;
  if (targets.size() < 2) return;
  for (size_t t = 0; t < targets.size(); ++t) {
    rows.add("MAE of " + escaped(targets[t].target, 40), "Mean absolute error of one target.",
             [t](const auto& c) { return Cell{fixed(c.regression->targets[t].mae, 5)}; });
  }
}

void add_size(const Report& report, Rows& rows) {
  rows.add("file", "Bytes of the file as written.",
           of_size([](const SizeReport& s) { return bytes_text(s.file_bytes); }));
  if (report.candidates.size() > 1) {
    rows.add("file, to base", "File size as a multiple of the base's.",
             [&report](const auto& c) { return file_ratio_cell(report, c); });
  }
  rows.add_if_any("parameters", "Stored weights and biases, counted before sparsity.",
                  of_size([](const SizeReport& s) { return grouped(s.parameters); }));
  rows.add_if_any("bits per weight",
                  "Bits the parameters take in the file, scales and masks "
                  "included, over their number.",
                  of_size([](const SizeReport& s) { return fixed(s.bits_per_weight, 2); }));
  rows.add_if_any("zero weights", "Share of weights that are exactly zero.",
                  of_size([](const SizeReport& s) { return percent(s.sparsity, 1); }));
}

void add_speed(const Report& report, Rows& rows) {
  rows.add_if_any("MACs", "Multiply-accumulates of one item, zeros included.", [](const auto& c) {
    return shown(c.macs, [](int64_t v) { return count_text(v); });
  });
  rows.add("latency p50", "Median time of a run, models taking turns.",
           of_latency([](const LatencySummary& l) { return microseconds(l.p50); }));
  rows.add("latency p99", "99th percentile of the same runs.",
           of_latency([](const LatencySummary& l) { return microseconds(l.p99); }));
  if (report.candidates.size() > 1) {
    const CandidateReport* base = &report.candidates.front();
    rows.add_if_any("latency, to base", "Median over blocks of p50 as a multiple of the base's.",
                    [base](const auto& c) { return ratio_cell(c, &c == base); });
    rows.add_if_any("its 95 % interval", "Bootstrap over blocks of interleaved runs.",
                    [base](const auto& c) { return ratio_interval_cell(c, &c == base); });
  }
  rows.add_if_any(
      "items per second", "Items of all timed runs over their time.",
      of_latency([](const LatencySummary& l) { return rate_text(l.items_per_second); }));
  rows.add_if_any("energy per item", "Of processor packages and memory, idling included.",
                  [](const auto& c) {
                    return c.latency ? shown(c.latency->joules_per_item, joules_text) : kAbsent;
                  });
  rows.add_if_any("cost of a million", "Items, at the price stated, in its currency.",
                  [](const auto& c) {
                    const auto show = [](double v) { return fixed(v, 4); };
                    return c.latency ? shown(c.latency->cost_per_million, show) : kAbsent;
                  });
  rows.add("peak memory", "Largest resident set of a process that runs only this model.",
           [](const auto& c) {
             return shown(c.peak_memory_bytes, [](int64_t v) { return bytes_text(v); });
           });
}

}  // namespace

std::string class_name(const Report& report, int64_t index) {
  const auto at = static_cast<size_t>(index);
  if (index < 0 || at >= report.classes.size()) return std::to_string(index);
  return escaped(report.classes[at], 60);
}

// One row a slice; candidates were compared on the same slices.
void add_slices(const Report& report, Rows& rows) {
  if (report.candidates.size() < 2) return;
  const std::vector<SliceResult>& slices = report.candidates[1].slices;
  for (size_t s = 0; s < slices.size(); ++s) {
    rows.add(escaped(slices[s].name(), 40),
             "Change of this slice's accuracy, in points, and the share of it that is right; "
             "marked when Holm's correction over all slices leaves it beyond chance.",
             [s](const CandidateReport& c) {
               if (!c.comparison) return kBase;
               if (s >= c.slices.size() || c.slices[s].counts.items == 0) return kAbsent;
               const SliceResult& slice = c.slices[s];
               const double share =
                   static_cast<double>(slice.correct) / static_cast<double>(slice.counts.items);
               return Cell{points(-slice.drop) + " (" + percent(share, 1) + ")",
                           slice.p_holm >= kSignificant ? Tone::kNeutral
                           : slice.drop > 0             ? Tone::kWorse
                                                        : Tone::kBetter};
             });
  }
}

void add_error_slices(const Report& report, Rows& rows) {
  if (report.candidates.size() < 2) return;
  const std::vector<ErrorSlice>& slices = report.candidates[1].error_slices;
  for (size_t s = 0; s < slices.size(); ++s) {
    rows.add(escaped(slices[s].name(), 40),
             "Change of this slice's mean absolute error, and the error; marked when Holm's "
             "correction over all slices leaves it beyond chance.",
             [s](const CandidateReport& c) {
               if (s >= c.error_slices.size()) return kBase;
               const ErrorSlice& slice = c.error_slices[s];
               if (slice.items == 0) return kAbsent;
               return Cell{signed_fixed(slice.rise, 5) + " (" + fixed(slice.mae, 5) + ")",
                           slice.p_holm >= kSignificant ? Tone::kNeutral
                           : slice.rise > 0             ? Tone::kWorse
                                                        : Tone::kBetter};
             });
  }
}

std::vector<Row> comparison_rows(const Report& report) {
  Rows rows(report);
  if (report.task == Task::kRegression) {
    add_errors(report, rows);
    add_error_slices(report, rows);
  } else {
    add_accuracy(report, rows);
    add_slices(report, rows);
  }
  add_size(report, rows);
  add_speed(report, rows);
  return rows.take();
}

}  // namespace pare::eval
