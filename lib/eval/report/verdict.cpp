// SPDX-License-Identifier: Apache-2.0
// The comparison in one sentence that says no more than the figures do.
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/eval/report.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr double kSignificant = 0.05;

// "3.9× smaller", "12 % larger", "" when the ratio is 1 to the per cent.
std::string factor_text(double ratio, const char* times_less, const char* times_more,
                        const char* less, const char* more) {
  if (ratio <= 0 || std::abs(ratio - 1) < 0.005) return {};
  if (ratio < 1) {
    const double factor = 1 / ratio;
    return factor >= 1.995 ? fixed(factor, 1) + "× " + times_less
                           : fixed((1 - ratio) * 100, 0) + " % " + less;
  }
  return ratio >= 1.995 ? fixed(ratio, 1) + "× " + times_more
                        : fixed((ratio - 1) * 100, 0) + " % " + more;
}

std::string size_text(const CandidateReport& base, const CandidateReport& c) {
  if (!base.size || !c.size || base.size->file_bytes <= 0) return {};
  return factor_text(
      static_cast<double>(c.size->file_bytes) / static_cast<double>(base.size->file_bytes),
      "smaller", "larger", "smaller", "larger");
}

std::string speed_text(const CandidateReport& c) {
  if (!c.latency || !c.latency->ratio) return {};
  const Interval& interval = c.latency->ratio_interval;
  if (interval.low <= 1 && interval.high >= 1) return "as fast within the noise";
  return factor_text(*c.latency->ratio, "faster", "slower", "less time per item",
                     "more time per item");
}

std::string accuracy_text(const Comparison& c, int64_t items) {
  const std::string evidence = "95 % interval " + points(c.difference_interval.low) + " to " +
                               points(c.difference_interval.high) + ", McNemar p " +
                               (c.mcnemar_p < 0.0001 ? "" : "= ") + p_value(c.mcnemar_p);
  if (c.lost == 0 && c.gained == 0) {
    return "right and wrong on exactly the same " + grouped(items) + " items";
  }
  if (c.mcnemar_p >= kSignificant) {
    return "accuracy changes by " + points(c.difference) + " points, which " + grouped(items) +
           " items cannot tell from no change (" + evidence + ")";
  }
  return "accuracy " + std::string(c.difference < 0 ? "falls" : "rises") + " by " +
         fixed(std::abs(c.difference) * 100, 2) + " points (" + evidence + ")";
}

std::string errors_text(const CandidateReport& c) {
  std::string text =
      "MAE " + fixed(c.regression->all.mae, 5) + ", RMSE " + fixed(c.regression->all.rmse, 5);
  if (c.regression->all.r2) text += ", R² " + fixed(*c.regression->all.r2, 4);
  return text;
}

// The rise of the mean absolute error, as far as the items tell.
std::string rise_text(const CandidateReport& c, int64_t items) {
  const Figure* rise = find_figure(c.figures, "mae_rise");
  const Interval interval = interval_of(*rise, 0.95);
  const std::string evidence =
      "95 % interval " + signed_fixed(interval.low, 5) + " to " + signed_fixed(interval.high, 5);
  if (interval.low <= 0 && interval.high >= 0) {
    return "mean absolute error changes by " + signed_fixed(rise->value, 5) + ", which " +
           grouped(items) + " items cannot tell from no change (" + evidence + ")";
  }
  return "mean absolute error " + std::string(rise->value < 0 ? "falls" : "rises") + " by " +
         fixed(std::abs(rise->value), 5) + " (" + evidence + ")";
}

}  // namespace

std::string predicted_text(const Report& report) {
  if (report.task == Task::kClassification) {
    return std::to_string(report.classes.size()) + " classes";
  }
  const size_t targets = report.targets.size();
  return std::to_string(targets) + (targets == 1 ? " target" : " targets");
}

std::optional<Quality> quality_of(const Report& report, size_t candidate) {
  const CandidateReport& c = report.candidates.at(candidate);
  if (report.task == Task::kClassification) {
    return Quality{c.metrics.top1 * 100,
                   {c.metrics.top1_interval.low * 100, c.metrics.top1_interval.high * 100}};
  }
  const Figure* r2 = find_figure(c.figures, "r2");
  if (r2 == nullptr) return std::nullopt;
  return Quality{r2->value, interval_of(*r2, 0.95)};
}

std::string verdict(const Report& report, size_t candidate) {
  const CandidateReport& base = report.candidates.front();
  const CandidateReport& c = report.candidates.at(candidate);
  const std::string name = escaped(c.name);
  const bool regression = report.task == Task::kRegression;
  if (candidate == 0) {
    std::string text = regression ? name + ": " + errors_text(c)
                                  : name + " gets " + grouped(c.metrics.correct) + " of " +
                                        grouped(c.metrics.items) +
                                        " items right: " + percent(c.metrics.top1);
    if (c.size) text += ", in a file of " + bytes_text(c.size->file_bytes);
    return text + ".";
  }
  std::string text = name + ", compared with " + escaped(base.name) + ": ";
  for (const std::string& part : {size_text(base, c), speed_text(c)}) {
    if (!part.empty()) text += part + "; ";
  }
  return text +
         (regression ? rise_text(c, report.items) : accuracy_text(*c.comparison, report.items)) +
         ".";
}

}  // namespace pare::eval
