// SPDX-License-Identifier: Apache-2.0
// The latency protocol. Machines are noisy, so models are never timed one after the other. After a
// warm-up that lasts until times are stable come blocks. In a block every model is made anew, so
// that where its memory happens to lie is drawn anew too (T. Mytkowicz et al., "Producing wrong
// data without doing anything obviously wrong!", ASPLOS 2009), and the models then take short
// turns, in a random order and back again. Ratios are taken inside a block, where all met the same
// machine; blocks are what intervals resample.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/eval/machine_noise.hpp"
#include "lib/eval/statistics.hpp"

namespace pare::eval {

struct LatencyOptions {
  int blocks = 40;              // at least, unless the time is up
  int max_blocks = 160;         // while a ratio's interval is wider than `width`
  double width = 0.05;          // that the 95 % intervals of the ratios should have
  double max_seconds = 60;      // no block beyond the fifth starts after this
  double block_seconds = 0.02;  // of each model's runs in one block, at least kMinBlockRuns runs
  double warmup_seconds = 1.0;  // longest warm-up a model
  // Before each turn, for models whose threads keep spinning on a CPU of others after a run.
  double rest_seconds = 0.0;
  int threads = 1;                 // that a model runs on, each kept on a CPU of its own
  uint64_t seed = 0;               // of the order, the placement and the resampling
  std::function<int64_t()> clock;  // nanoseconds, monotonic; empty: std::chrono::steady_clock
};

using Run = std::function<void()>;  // one run of a model
// Makes a model ready to run; what it made lives as long as the Run.
using MakeRun = std::function<Run()>;

// Microseconds of every run, by block.
using LatencySamples = std::vector<std::vector<double>>;

struct LatencyMeasurement {
  std::vector<LatencySamples> models;  // in the order of the callables
  MachineNoise noise;
};

struct LatencySummary {
  int threads = 1;
  int64_t batch = 1;  // items a run
  int64_t runs = 0;
  double p50 = 0, p90 = 0, p99 = 0;        // microseconds a run
  double items_per_second = 0;             // items of all runs over the time of all runs
  std::optional<double> joules_per_item;   // where the machine counts energy
  std::optional<double> cost_per_million;  // items, at the price stated, in its currency
  // Median over blocks of own median / the base's median; absent when the base was not timed.
  std::optional<double> ratio;
  Interval ratio_interval{1, 1};  // bootstrap over blocks, 95 %
  // One a block, in the order they were run: what intervals at another confidence are made of.
  std::vector<double> block_medians;  // microseconds
  std::vector<double> block_ratios;   // own median / base's; empty when there is no ratio
};

LatencyMeasurement measure_latency(std::span<const MakeRun> models, const LatencyOptions& options,
                                   Progress& progress = no_progress());
// `base` may be null. Both have the same number of blocks, none empty, else Bug. A run was of
// `batch` items.
LatencySummary summarise(const LatencySamples& samples, const LatencySamples* base, uint64_t seed,
                         int64_t batch = 1);

}  // namespace pare::eval
