// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/latency.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <thread>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/eval/pinning.hpp"

namespace pare::eval {
namespace {

constexpr int kMinBlockRuns = 4;
constexpr int kMaxBlockRuns = 20000;
constexpr int kTurns = 4;  // of a model in a block, two when its runs are few
constexpr int kMinTurnRuns = 3;
// Blocks that are run even when the time is up.
constexpr int kFewestBlocks = 5;
// Whether the intervals are narrow enough is asked after so many further blocks.
constexpr int kBlocksBetweenLooks = 20;
// Warm-up windows: stable once two consecutive medians differ by less than this.
constexpr int kWarmupWindow = 8;
constexpr double kStable = 0.03;
// Bytes in front of a model's memory: up to a few pages, in cache lines.
constexpr int64_t kMaxSpacerLines = 256;
constexpr int64_t kLine = 64;

int64_t steady_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

using Clock = std::function<int64_t()>;

double timed(const Run& run, const Clock& clock) {
  const int64_t start = clock();
  run();
  return static_cast<double>(clock() - start) * 1e-3;
}

// Runs until two windows agree or the time is up; returns the last window's median in microseconds.
double warm_up(const Run& run, const LatencyOptions& options, const Clock& clock) {
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

// Makes all models anew, in a random order and with a random distance between their memories.
class Placement {
 public:
  Placement(std::span<const MakeRun> models, Rng& rng) : runs_(models.size()) {
    std::vector<size_t> order(models.size());
    std::iota(order.begin(), order.end(), size_t{0});
    rng.shuffle(std::span(order));
    for (const size_t model : order) {
      spacers_.push_back(std::make_unique<std::byte[]>(
          static_cast<size_t>(kLine * (1 + rng.below(kMaxSpacerLines)))));
      runs_[model] = models[model]();
    }
  }
  const Run& operator[](size_t model) const { return runs_[model]; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> spacers_;
  std::vector<Run> runs_;
};

// One block: turns in a random order, then in the reverse of it, so that a machine that gets slower
// or faster meanwhile does so for all alike. Appends a block to each model's samples.
void run_block(const Placement& runs, std::span<const int> block_runs, double rest_seconds,
               Rng& rng, const Clock& clock, std::vector<LatencySamples>& samples) {
  std::vector<size_t> order(block_runs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (LatencySamples& model : samples) model.emplace_back();
  for (int turn = 0; turn < kTurns; ++turn) {
    if (turn % 2 == 0) {
      rng.shuffle(std::span(order));
    } else {
      std::reverse(order.begin(), order.end());
    }
    for (const size_t model : order) {
      const int turns = block_runs[model] < kTurns * kMinTurnRuns ? kTurns / 2 : kTurns;
      if (turn >= turns) continue;
      if (rest_seconds > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double>(rest_seconds));
      }
      runs[model]();  // the previous model's data are what the caches hold; not timed
      for (int i = turn; i < block_runs[model]; i += turns) {
        samples[model].back().push_back(timed(runs[model], clock));
      }
    }
  }
}

double widest_ratio_interval(const std::vector<LatencySamples>& samples, uint64_t seed) {
  double widest = 0.0;
  for (size_t i = 1; i < samples.size(); ++i) {
    const Interval interval = summarise(samples[i], &samples[0], seed).ratio_interval;
    widest = std::max(widest, interval.high - interval.low);
  }
  return widest;
}

// (p90 - p10) / p50 of block medians, of the model that scatters most.
double spread_of(const std::vector<LatencySamples>& samples) {
  double spread = 0.0;
  for (const LatencySamples& model : samples) {
    std::vector<double> medians;
    for (const auto& block : model) medians.push_back(quantile(block, 0.5));
    std::sort(medians.begin(), medians.end());
    const double middle = quantile_of_sorted(medians, 0.5);
    if (!(middle > 0.0)) continue;
    const double range = quantile_of_sorted(medians, 0.9) - quantile_of_sorted(medians, 0.1);
    spread = std::max(spread, range / middle);
  }
  return spread;
}

}  // namespace

LatencyMeasurement measure_latency(std::span<const MakeRun> models, const LatencyOptions& options,
                                   Progress& progress) {
  require(options.blocks > 0, "latency needs blocks");
  const Clock clock = options.clock ? options.clock : Clock(steady_nanoseconds);
  const Pinning pinning(options.threads);
  Rng rng(options.seed, stream_of("latency order"));
  std::vector<int> block_runs;
  {
    const Placement runs(models, rng);
    for (size_t i = 0; i < models.size(); ++i) {
      block_runs.push_back(runs_in_block(warm_up(runs[i], options, clock), options.block_seconds));
    }
  }
  LatencyMeasurement out{.models = std::vector<LatencySamples>(models.size())};
  const NoiseWatch watch;
  const int64_t end = clock() + static_cast<int64_t>(options.max_seconds * 1e9);
  int wanted = options.blocks;
  for (int block = 0; block < wanted; ++block) {
    if (block >= kFewestBlocks && clock() >= end) break;
    run_block(Placement(models, rng), block_runs, options.rest_seconds, rng, clock, out.models);
    progress.update("latency", block + 1, wanted);
    if (block + 1 == wanted && wanted < options.max_blocks &&
        widest_ratio_interval(out.models, options.seed) > options.width) {
      wanted = std::min(wanted + kBlocksBetweenLooks, options.max_blocks);
    }
  }
  out.noise = watch.stop();
  out.noise.spread = spread_of(out.models);
  return out;
}

}  // namespace pare::eval
