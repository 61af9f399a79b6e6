// SPDX-License-Identifier: Apache-2.0
// What the runs of one measurement say.
#include <algorithm>
#include <numeric>

#include "lib/core/error.hpp"
#include "lib/eval/latency.hpp"

namespace pare::eval {

LatencySummary summarise(const LatencySamples& samples, const LatencySamples* base, uint64_t seed,
                         int64_t batch) {
  require(!samples.empty(), "latency summaries need blocks");
  LatencySummary summary{.batch = batch};
  std::vector<double> all;
  for (const auto& block : samples) all.insert(all.end(), block.begin(), block.end());
  std::sort(all.begin(), all.end());
  summary.runs = static_cast<int64_t>(all.size());
  summary.p50 = quantile_of_sorted(all, 0.50);
  summary.p90 = quantile_of_sorted(all, 0.90);
  summary.p99 = quantile_of_sorted(all, 0.99);
  const double seconds = 1e-6 * std::accumulate(all.begin(), all.end(), 0.0);
  if (seconds > 0.0) {
    summary.items_per_second = static_cast<double>(batch * summary.runs) / seconds;
  }
  for (const auto& block : samples) summary.block_medians.push_back(quantile(block, 0.5));
  if (base == nullptr) return summary;
  require(samples.size() == base->size(), "latency ratios need blocks in common");
  for (size_t block = 0; block < samples.size(); ++block) {
    const double reference = quantile((*base)[block], 0.5);
    if (reference > 0.0) summary.block_ratios.push_back(summary.block_medians[block] / reference);
  }
  if (summary.block_ratios.empty()) return summary;  // a clock too coarse for the base
  summary.ratio = quantile(summary.block_ratios, 0.5);
  summary.ratio_interval = bootstrap_median(summary.block_ratios, {.seed = seed});
  return summary;
}

}  // namespace pare::eval
