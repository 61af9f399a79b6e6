// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/latency.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include <sched.h>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"

namespace pare::eval {
namespace {

constexpr int kMinBlockRuns = 3;
constexpr int kMaxBlockRuns = 20000;
// Warm-up windows: stable once two consecutive medians differ by less than this.
constexpr int kWarmupWindow = 8;
constexpr double kStable = 0.03;

int64_t steady_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Binds the calling thread to the CPU it is on, until destroyed.
class Pinning {
 public:
  explicit Pinning(bool wanted) {
    const int cpu = sched_getcpu();
    if (!wanted || cpu < 0 || sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<size_t>(cpu), &only);
    active_ = sched_setaffinity(0, sizeof only, &only) == 0;
  }
  ~Pinning() {
    if (active_) sched_setaffinity(0, sizeof before_, &before_);
  }
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;

 private:
  cpu_set_t before_{};
  bool active_ = false;
};

using Clock = std::function<int64_t()>;

double timed(const std::function<void()>& run, const Clock& clock) {
  const int64_t start = clock();
  run();
  return static_cast<double>(clock() - start) * 1e-3;
}

// Runs until two windows agree or the time is up; returns the last window's median in microseconds.
double warm_up(const std::function<void()>& run, const LatencyOptions& options,
               const Clock& clock) {
  const int64_t end = clock() + static_cast<int64_t>(options.warmup_seconds * 1e9);
  double previous = 0.0;
  for (;;) {
    std::vector<double> window;
    for (int i = 0; i < kWarmupWindow && (i == 0 || clock() < end); ++i) {
      window.push_back(timed(run, clock));
    }
    const double median = quantile(std::move(window), 0.5);
    const bool stable = previous > 0.0 && std::abs(median - previous) < kStable * previous;
    if (stable || clock() >= end) return median;
    previous = median;
  }
}

int runs_in_block(double median_us, double block_seconds) {
  if (median_us <= 0.0) return kMaxBlockRuns;
  return static_cast<int>(std::clamp(block_seconds * 1e6 / median_us,
                                     static_cast<double>(kMinBlockRuns),
                                     static_cast<double>(kMaxBlockRuns)));
}

}  // namespace

std::vector<LatencySamples> measure_latency(std::span<const std::function<void()>> runs,
                                            const LatencyOptions& options, Progress& progress) {
  require(options.blocks > 0, "latency needs blocks");
  const Clock clock = options.clock ? options.clock : Clock(steady_nanoseconds);
  const Pinning pinning(options.pin);
  std::vector<int> block_runs;
  for (const auto& run : runs) {
    block_runs.push_back(runs_in_block(warm_up(run, options, clock), options.block_seconds));
  }
  std::vector<LatencySamples> samples(runs.size());
  std::vector<size_t> order(runs.size());
  Rng rng(options.seed, stream_of("latency order"));
  for (int block = 0; block < options.blocks; ++block) {
    std::iota(order.begin(), order.end(), size_t{0});
    rng.shuffle(std::span(order));
    for (const size_t model : order) {
      runs[model]();  // the previous model's data are what the caches hold; not timed
      std::vector<double> times(static_cast<size_t>(block_runs[model]));
      for (double& time : times) time = timed(runs[model], clock);
      samples[model].push_back(std::move(times));
    }
    progress.update("latency", block + 1, options.blocks);
  }
  return samples;
}

LatencySummary summarise(const LatencySamples& samples, const LatencySamples* base, uint64_t seed) {
  require(!samples.empty(), "latency summaries need blocks");
  LatencySummary summary;
  std::vector<double> all;
  for (const auto& block : samples) all.insert(all.end(), block.begin(), block.end());
  std::sort(all.begin(), all.end());
  summary.runs = static_cast<int64_t>(all.size());
  summary.p50 = quantile_of_sorted(all, 0.50);
  summary.p90 = quantile_of_sorted(all, 0.90);
  summary.p99 = quantile_of_sorted(all, 0.99);
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

std::optional<int64_t> blocks_to_decide(std::span<const double> blocks, double bound,
                                        const Resampling& resampling) {
  const Interval interval = bootstrap_median(blocks, resampling);
  const double median = quantile({blocks.begin(), blocks.end()}, 0.5);
  const double distance = std::abs(bound - median);
  if (!(distance > 0.0)) return std::nullopt;
  const double arm = bound > median ? interval.high - median : median - interval.low;
  const double factor = std::max(1.0, std::pow(arm / distance, 2));
  const double needed = std::ceil(static_cast<double>(blocks.size()) * factor);
  constexpr double kUndecidable = 1e15;
  return needed < kUndecidable ? std::optional(static_cast<int64_t>(needed)) : std::nullopt;
}

}  // namespace pare::eval
