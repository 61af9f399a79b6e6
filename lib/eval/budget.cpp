// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/budget.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/nearest.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr double kHuge = 1e18;
constexpr size_t kMostBudgetBytes = 1 << 20;

constexpr auto kClassification = Task::kClassification;
constexpr auto kRegression = Task::kRegression;

// clang-format off
constexpr std::array kKeys = std::to_array<BudgetKey>({
  // The difference from the base on the same items. Negative bounds ask for an improvement.
  {"accuracy_drop", false, -1, 1, "fraction", "Accuracy of the base minus this one's.", kClassification},
  {"accuracy_drop_relative", false, -kHuge, 1, "of base", "The drop as a share of the base's accuracy.", kClassification},
  {"top5_drop", false, -1, 1, "fraction", "Top-5 accuracy of the base minus this one's.", kClassification},
  {"macro_f1_drop", false, -1, 1, "fraction", "Macro F1 of the base minus this one's.", kClassification},
  {"auc_drop", false, -1, 1, "fraction", "AUROC of the base minus this one's.", kClassification},
  {"worst_class_drop", false, -1, 1, "fraction", "The largest drop of one class's accuracy.", kClassification},
  {"worst_slice_drop", false, -1, 1, "fraction", "The largest drop of one slice's accuracy.", kClassification},
  {"flips", false, 0, 1, "fraction", "Items right in one and wrong in the other, both ways.", kClassification},
  {"agreement", true, 0, 1, "fraction", "Items with the same top class as the base.", kClassification},
  {"kl_mean", false, 0, kHuge, "nats", "Mean divergence from the base's probabilities.", kClassification},
  {"log_loss_rise", false, -kHuge, kHuge, "nats", "Log loss minus the base's.", kClassification},
  {"calibration_error_rise", false, -1, 1, "fraction", "Expected calibration error minus the base's.", kClassification},
  {"mae_rise", false, -kHuge, kHuge, "", "Mean absolute error minus the base's.", kRegression},
  {"rmse_rise", false, -kHuge, kHuge, "", "Root mean squared error minus the base's.", kRegression},
  {"r2_drop", false, -kHuge, kHuge, "", "R² of the base minus this one's.", kRegression},
  // The candidate alone.
  {"accuracy", true, 0, 1, "fraction", "Items whose top class is right.", kClassification},
  {"top5", true, 0, 1, "fraction", "Items whose class is among the five largest logits.", kClassification},
  {"macro_f1", true, 0, 1, "fraction", "Mean of the classes' F1 scores.", kClassification},
  {"auc", true, 0, 1, "fraction", "Area under the ROC curve, mean over classes.", kClassification},
  {"log_loss", false, 0, kHuge, "nats", "Mean negative log-probability of the right class.", kClassification},
  {"calibration_error", false, 0, 1, "fraction", "Expected calibration error, 15 bins.", kClassification},
  {"mae", false, 0, kHuge, "", "Mean absolute error.", kRegression},
  {"rmse", false, 0, kHuge, "", "Root mean squared error.", kRegression},
  {"r2", true, -kHuge, 1, "", "Share of the targets' variance that is explained.", kRegression},
  // As a multiple of the base's.
  {"macro_f1_relative", true, 0, kHuge, "of base", "Macro F1 over the base's.", kClassification},
  {"log_loss_relative", false, 0, kHuge, "of base", "Log loss over the base's.", kClassification},
  {"mae_relative", false, 0, kHuge, "of base", "Mean absolute error over the base's.", kRegression},
  {"rmse_relative", false, 0, kHuge, "of base", "Root mean squared error over the base's.", kRegression},
  // What it costs to keep and to run.
  {"file_bytes", false, 1, kHuge, "bytes", "Bytes of the file as written.", {}},
  {"file_bytes_relative", false, 0, kHuge, "of base", "Bytes of the file over the base's.", {}},
  {"latency_p50_us", false, 0, kHuge, "us", "Median time of one run, microseconds.", {}, true},
  {"latency_p50_ratio", false, 0, kHuge, "of base", "Median time over the base's, same moments.", {}, true},
  {"peak_memory_bytes", false, 1, kHuge, "bytes", "Largest resident set of a process with only this model.", {}},
  {"peak_memory_bytes_relative", false, 0, kHuge, "of base", "Peak memory over the base's.", {}},
});
// clang-format on

std::string nearest_key(std::string_view name) {
  std::vector<std::string> names;
  for (const BudgetKey& key : kKeys) names.emplace_back(key.name);
  return nearest(name, names);
}

std::string bound_text(double bound) {
  std::string text = to_text(Json(bound));
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

BudgetEntry parse_entry(const std::string& name, const Json& value, const std::string& path) {
  const BudgetKey* key = find_budget_key(name);
  if (key == nullptr) {
    const std::string hint = nearest_key(name);
    throw Error(path, escaped(name) + ": unknown key" +
                          (hint.empty() ? "; pare gate --help lists them"
                                        : "; did you mean " + hint + "?"));
  }
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    throw Error(path, name + ": expected a number, found " + to_text(value).substr(0, 40));
  }
  const double bound = value.get<double>();
  if (bound < key->lowest || bound > key->highest) {
    std::string range = key->highest >= kHuge ? "at least " + bound_text(key->lowest)
                        : key->lowest <= -kHuge
                            ? "at most " + bound_text(key->highest)
                            : bound_text(key->lowest) + " to " + bound_text(key->highest);
    throw Error(path, name + ": expected " + range +
                          (key->unit == "fraction" ? " (0.01 is one point)" : "") + ", found " +
                          bound_text(bound));
  }
  return {key, bound};
}

// Bounds that no candidate can keep together.
void check_consistent(const Budget& budget) {
  const auto bound_of = [&](std::string_view name) -> std::optional<double> {
    for (const BudgetEntry& entry : budget.entries) {
      if (entry.key->name == name) return entry.bound;
    }
    return std::nullopt;
  };
  const auto drop = bound_of("accuracy_drop");
  const auto flips = bound_of("flips");
  const auto agreement = bound_of("agreement");
  const auto refuse = [&](const std::string& fact) { throw Error(budget.path, fact); };
  if (drop && flips && -*drop > *flips) {
    refuse("accuracy_drop " + bound_text(*drop) + " asks for more items gained than flips " +
           bound_text(*flips) + " allows");
  }
  // An item that is right in one model and wrong in the other has two top classes.
  if (drop && agreement && -*drop > 1.0 - *agreement) {
    refuse("accuracy_drop " + bound_text(*drop) + " asks for more changes than agreement " +
           bound_text(*agreement) + " allows");
  }
}

std::string reason_of(const BudgetVerdict& v, const Figure& figure, double confidence) {
  const BudgetKey& key = *find_budget_key(v.key);
  const std::string bound = (v.at_least ? "minimum " : "maximum ") + figure_text(key, v.bound);
  if (std::holds_alternative<Exact>(figure.spread)) {
    return (v.verdict == Verdict::kPass ? "keeps to the " : "is beyond the ") + bound;
  }
  const std::string interval = std::holds_alternative<Range>(figure.spread)
                                   ? "least and most, "
                                   : bound_text(confidence * 100.0) + " % interval ";
  const std::string level =
      interval + figure_text(key, v.interval.low) + " to " + figure_text(key, v.interval.high);
  switch (v.verdict) {
    case Verdict::kPass:
      return level + ", keeps to the " + bound;
    case Verdict::kFail:
      return level + ", is beyond the " + bound;
    case Verdict::kInconclusive:
      break;
  }
  return level + ", reaches over the " + bound +
         (v.needed ? "; about " + grouped(v.needed->count) + " " + v.needed->unit + " would decide"
                   : "; more of the same would not decide");
}

BudgetVerdict judge_entry(const BudgetEntry& entry, const std::vector<Figure>& figures,
                          double confidence) {
  BudgetVerdict out{std::string(entry.key->name), entry.bound, entry.key->at_least};
  const Figure* figure = find_figure(figures, entry.key->name);
  if (figure == nullptr) {
    out.reason = "not measured";
    return out;
  }
  out.value = figure->value;
  out.interval = interval_of(*figure, confidence);
  const bool keeps = out.at_least ? out.interval.low >= out.bound : out.interval.high <= out.bound;
  const bool beyond = out.at_least ? out.interval.high < out.bound : out.interval.low > out.bound;
  out.verdict = keeps ? Verdict::kPass : beyond ? Verdict::kFail : Verdict::kInconclusive;
  if (out.verdict == Verdict::kInconclusive) {
    out.needed = needed_to_decide(*figure, out.interval, out.bound, confidence);
  }
  out.reason = reason_of(out, *figure, confidence);
  return out;
}

}  // namespace

const char* name_of(Task task) {
  return task == Task::kRegression ? "regression" : "classification";
}

const char* name_of(Verdict verdict) {
  return verdict == Verdict::kPass ? "pass" : verdict == Verdict::kFail ? "fail" : "inconclusive";
}

std::string figure_text(const BudgetKey& key, double value) {
  constexpr double kMostDigits = 1e15;
  if (!std::isfinite(value)) return value < 0 ? "−∞" : "∞";
  if (std::abs(value) >= kMostDigits) return to_text(Json(value));
  if (key.unit == "bytes") return grouped(static_cast<int64_t>(std::llround(value)));
  if (key.unit == "fraction") return fixed(value, 4);
  if (key.unit == "us") return fixed(value, value < 100 ? 2 : 0);
  if (key.unit == "of base") return fixed(value, 3);
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::span<const BudgetKey> budget_keys() { return kKeys; }

const BudgetKey* find_budget_key(std::string_view name) {
  const auto found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const BudgetKey& k) { return k.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

Budget parse_budget(std::string_view text, const std::string& path) {
  const Json json = parse_json(text, path, true);
  if (!json.is_object()) throw Error(path, "expected an object of metric: bound");
  Budget budget{.path = path};
  for (const auto& [name, value] : json.items()) {
    if (name != "confidence") {
      budget.entries.push_back(parse_entry(name, value, path));
      continue;
    }
    if (!value.is_number() || !(value.get<double>() >= 0.5 && value.get<double>() <= 0.9999)) {
      throw Error(path,
                  "confidence: expected 0.5 to 0.9999, found " + to_text(value).substr(0, 40));
    }
    budget.confidence = value.get<double>();
  }
  if (budget.entries.empty()) throw Error(path, "bounds nothing; pare gate --help lists the keys");
  check_consistent(budget);
  return budget;
}

Budget read_budget(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  if (bytes.size() > kMostBudgetBytes) throw Error(path, "is larger than a budget can be");
  return parse_budget({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

std::vector<BudgetVerdict> judge(const Budget& budget, Task task,
                                 const std::vector<Figure>& figures) {
  std::vector<BudgetVerdict> verdicts;
  for (const BudgetEntry& entry : budget.entries) {
    if (entry.key->task && *entry.key->task != task) {
      throw Error(budget.path, std::string(entry.key->name) + ": a figure of " +
                                   name_of(*entry.key->task) + ", the task is " + name_of(task));
    }
    verdicts.push_back(judge_entry(entry, figures, budget.confidence));
  }
  return verdicts;
}

Verdict worst_of(std::span<const BudgetVerdict> verdicts) {
  Verdict worst = Verdict::kPass;
  for (const BudgetVerdict& verdict : verdicts) worst = std::max(worst, verdict.verdict);
  return worst;
}

}  // namespace pare::eval
