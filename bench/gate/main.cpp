// SPDX-License-Identifier: Apache-2.0
// Error rates of the gate: simulated models whose true drop is known, judged as pare eval judges
// real ones. Prints rows of Markdown; fails when a row misses its goal.
#include <cstdio>
#include <string>
#include <vector>

#include "lib/core/rng.hpp"
#include "lib/eval/budget.hpp"
#include "lib/eval/classifier_figures.hpp"

namespace pare::bench {
namespace {

constexpr int kRepetitions = 200;
constexpr int64_t kClasses = 10;
constexpr double kAccuracy = 0.9;  // of the base, on items that both models agree about

struct Setting {
  const char* name;
  int64_t items;
  double drop;        // true, as a fraction
  double discordant;  // fraction of items that one of the models alone gets right
  double budget;
  eval::Verdict counted;
  const char* goal;
  int least, most;  // how often `counted` may be the verdict
};

// An item: right in both, wrong in both, or one of the discordant kinds, drawn independently.
void draw(const Setting& setting, Rng& rng, eval::Predictions& base, eval::Predictions& candidate,
          std::vector<int64_t>& labels) {
  base.items = candidate.items = setting.items;
  base.class_count = candidate.class_count = kClasses;
  const double lost = 0.5 * (setting.discordant + setting.drop);
  for (int64_t i = 0; i < setting.items; ++i) {
    const int64_t label = rng.below(kClasses);
    const int64_t wrong = (label + 1) % kClasses;
    const double kind = rng.uniform();
    const bool both = rng.uniform() < kAccuracy;
    const bool base_right = kind < lost || (kind >= setting.discordant && both);
    const bool candidate_right = kind < setting.discordant ? kind >= lost : both;
    labels.push_back(label);
    base.predicted.push_back(base_right ? label : wrong);
    candidate.predicted.push_back(candidate_right ? label : wrong);
  }
}

eval::Verdict judged(const Setting& setting, uint64_t seed) {
  Rng rng(seed, stream_of(setting.name));
  eval::Predictions base, candidate;
  std::vector<int64_t> labels;
  draw(setting, rng, base, candidate, labels);
  const auto figures =
      eval::comparison_figures(base, eval::estimate_classifier(base, labels), candidate,
                               eval::estimate_classifier(candidate, labels), labels, {});
  const eval::Budget budget =
      eval::parse_budget("{\"accuracy_drop\": " + std::to_string(setting.budget) + "}", "budget");
  return eval::judge(budget, eval::Task::kClassification, figures).front().verdict;
}

bool print_row(const Setting& setting) {
  int counts[3] = {};
  for (int r = 0; r < kRepetitions; ++r) ++counts[static_cast<int>(judged(setting, 1000 + r))];
  const int counted = counts[static_cast<int>(setting.counted)];
  const bool met = counted >= setting.least && counted <= setting.most;
  std::printf("| %s | %lld | %.1f | %.1f | %d | %d | %d | %s | %s |\n", setting.name,
              static_cast<long long>(setting.items), setting.drop * 100, setting.budget * 100,
              counts[0], counts[1], counts[2], setting.goal, met ? "yes" : "NO");
  return met;
}

}  // namespace
}  // namespace pare::bench

int main() {
  using pare::eval::Verdict;
  const pare::bench::Setting settings[] = {
      {"drop equal to the budget", 10000, 0.005, 0.03, 0.005, Verdict::kPass, "at most 17 passes",
       0, 17},
      {"drop beyond the budget", 10000, 0.010, 0.03, 0.003, Verdict::kFail, "at least 180 fails",
       180, 200},
      {"identical models", 10000, 0.0, 0.0, 0.005, Verdict::kPass, "at least 190 passes", 190, 200},
      {"identical, few items", 100, 0.0, 0.0, 0.005, Verdict::kInconclusive, "200 inconclusive",
       200, 200},
      {"3 % discordant, few items", 100, 0.005, 0.03, 0.005, Verdict::kInconclusive,
       "at least 190 inconclusive", 190, 200},
  };
  bool met = true;
  std::puts(
      "| case | items | true drop, points | budget, points | pass | inconclusive | fail | goal | "
      "met |");
  std::puts("|---|---:|---:|---:|---:|---:|---:|---|---|");
  for (const auto& setting : settings) met = pare::bench::print_row(setting) && met;
  return met ? 0 : 1;
}
