// SPDX-License-Identifier: Apache-2.0
// What an evaluation found, and its four faces. A number that was not measured is absent, and every
// face says "not measured" there. Rendering is a pure function: the same Report, the same bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/eval/budget.hpp"
#include "lib/eval/figure.hpp"
#include "lib/eval/latency.hpp"
#include "lib/eval/metrics.hpp"
#include "lib/eval/regression.hpp"
#include "lib/eval/size.hpp"
#include "lib/eval/slices.hpp"
#include "lib/ir/model.hpp"

namespace pare::eval {

inline constexpr int kReportSchemaVersion = 1;

// An item that only one of two models got right.
struct Flip {
  int64_t item = 0;
  int64_t label = 0;
  int64_t base_said = 0;
  int64_t said = 0;
  bool lost() const { return base_said == label; }
};

struct CandidateReport {
  std::string name;
  std::string path;
  bool from_predictions = false;
  Metrics metrics;                             // of a classifier
  std::optional<RegressionReport> regression;  // of a model that predicts numbers
  std::optional<Comparison> comparison;        // absent for the first, which is the base
  std::vector<SliceResult> slices;             // against the base; empty unless asked for
  std::vector<ErrorSlice> error_slices;        // likewise, of a model that predicts numbers
  std::vector<Flip> flips;                     // against the base, by item
  std::optional<SizeReport> size;              // absent for predictions without a file of weights
  std::optional<int64_t> macs;
  std::optional<LatencySummary> latency;     // of the first setting
  std::vector<LatencySummary> latency_grid;  // of every setting; the first is `latency`
  std::optional<int64_t> peak_memory_bytes;  // median of the runs
  std::vector<Figure> figures;               // what budgets can bound
  std::vector<BudgetVerdict> verdicts;       // one an entry of the budget; empty for the base
  std::vector<ir::HistoryEntry> history;
  std::string architecture;  // "" when the model does not say
};

struct Environment {
  std::string cpu;
  std::string isa;
  int threads = 1;          // of the accuracy run
  int latency_threads = 1;  // of the first latency run
  std::string version;      // of pare
};
Environment current_environment(int threads, int latency_threads);

// What a setting's latency was measured under.
struct LatencyConditions {
  int threads = 1;
  int64_t batch = 1;
  MachineNoise noise;
};

struct Report {
  std::string data_source;
  std::string data_fingerprint;
  int64_t items = 0;
  std::vector<std::string> classes;
  std::vector<std::string> targets;         // the numbers to predict, for regression
  std::vector<CandidateReport> candidates;  // at least one; the first is the base
  Environment environment;
  std::vector<LatencyConditions> latency_conditions;  // one a setting
  std::string energy_reason;                          // why energy was not measured; "" when it was
  std::optional<double> price_per_hour;               // of the machine, as stated
  std::vector<std::string> warnings;
  Task task = Task::kClassification;
  std::optional<Budget> budget;
};

// Judges every candidate but the first. Throws as judge() does, and Error(budget.path) when there
// is no candidate to judge.
void apply_budget(Report& report, Budget budget);

// "10 classes", "3 targets": what is predicted of an item.
std::string predicted_text(const Report& report);

// What a candidate is worth in one number, more being better: accuracy in per cent, or R2.
struct Quality {
  double value = 0;
  Interval interval;  // 95 %
};
// Absent when R2 is not defined.
std::optional<Quality> quality_of(const Report& report, size_t candidate);

// One sentence on a candidate against the base; for the base, on itself.
std::string verdict(const Report& report, size_t candidate);

Json to_json(const Report& report);
std::string to_markdown(const Report& report);
// "candidate,item,label,base,candidate_said,flip" a line, with class names; flip is lost or gained.
std::string flips_csv(const Report& report);
// One self-contained page: no script, no network.
std::string to_html(const Report& report);

struct TerminalStyle {
  bool colour = false;
  int width = 0;      // columns; 0: no limit
  bool plot = false;  // accuracy against size, below the verdicts
};
std::string to_terminal(const Report& report, const TerminalStyle& style);

}  // namespace pare::eval
