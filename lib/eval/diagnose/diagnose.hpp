// SPDX-License-Identifier: Apache-2.0
// Where a compressed model loses its accuracy, and why: each layer's error and its share of the
// drop, causes with their figures, and repairs with their measured effect. Analysis is here;
// repairs are commands, which the caller finds, runs and measures (apps/pare/diagnose).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/eval/diagnose/causes.hpp"
#include "lib/eval/metrics.hpp"
#include "lib/eval/report.hpp"

namespace pare::eval {

inline constexpr int kDiagnosisSchemaVersion = 1;

// Of one model on some items. KL is the mean KL(base || this), nats.
struct Effect {
  double accuracy = 0;
  double kl = 0;
};

// Of `predictions`, on the items of `labels`. Both with logits.
Effect effect_of(const Predictions& base, const Predictions& predictions,
                 std::span<const int64_t> labels);

struct PartDiagnosis {
  PartKind kind = PartKind::kLayer;
  std::string name;
  std::string op;
  std::string storage;   // of the candidate's weight: "i8 per channel"; "" without one
  bool differs = false;  // else only the cumulative error is measured
  std::optional<OutputError> cumulative;  // candidate against base, at this output
  std::optional<OutputError> own;         // base with this part from the candidate, likewise
  std::optional<Effect> alone;            // base with this part from the candidate
  std::optional<Effect> restored;         // candidate with this part from the base
  double share = 0;                       // of the divergence from the base; all add up to 1
};

// Commands, and what the model they make gives on items by which nothing was chosen.
struct Repair {
  std::vector<std::string> commands;  // shell lines, in order
  Effect before, after;
  double base_accuracy = 0;
  Comparison change;  // repaired against candidate
  int64_t items = 0;
  int64_t bytes_before = 0, bytes_after = 0;
  // Accuracy rises, beyond what chance explains.
  bool helps() const { return change.difference_interval.low > 0; }
};

struct Finding {
  size_t part = 0;
  Evidence evidence;
  std::optional<Repair> repair;  // helps()
  std::optional<Repair> tried;   // the best there was, when it does not
  std::string no_repair;         // why there is no repair, a sentence
};

struct DiagnosedModel {
  std::string name;
  std::string path;
  int64_t file_bytes = 0;
  double accuracy = 0;
};

struct Diagnosis {
  DiagnosedModel base, candidate;
  std::string data_source;
  std::string data_fingerprint;  // of the items measured
  std::string part_of_data;      // "validation"
  std::string effect_part;       // of the items that repairs are measured on; "" without repairs
  int64_t items = 0;
  int64_t error_items = 0;            // of these, for output errors and ranges
  Comparison comparison;              // candidate against base
  double agreement = 0;               // of the candidate with itself put together from parts
  std::vector<PartDiagnosis> parts;   // in order of execution
  std::vector<Finding> findings;      // largest share first
  std::optional<Repair> all_repairs;  // of several findings together
  std::vector<std::string> warnings;
  Environment environment;
};

struct DiagnosisInput {
  DiagnosedModel about;
  const ir::Model* model = nullptr;
};

struct DiagnoseOptions {
  int threads = 1;
  uint64_t seed = 0;
  int64_t error_items = 128;
};

// Everything but repairs, on `items`. Throws Error(path, ...): see predict() and pair_layers();
// other labels; models that differ in more than what is stored.
Diagnosis diagnose(const DiagnosisInput& base, const DiagnosisInput& candidate,
                   const data::Dataset& items, const DiagnoseOptions& options,
                   Progress& progress = no_progress());

// Indices of the parts, largest share first.
std::vector<size_t> by_share(const Diagnosis& diagnosis);
// One sentence: the drop, and what is suspicious.
std::string summary(const Diagnosis& diagnosis);

Json to_json(const Diagnosis& diagnosis);
// At most `top` parts (0: all).
std::string to_terminal(const Diagnosis& diagnosis, const TerminalStyle& style, int64_t top);
// One self-contained page: no script, no network.
std::string to_html(const Diagnosis& diagnosis);

}  // namespace pare::eval
