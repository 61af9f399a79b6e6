// SPDX-License-Identifier: Apache-2.0
// The latency protocol. Machines are noisy, so models are never timed one after the other: after a
// warm-up that lasts until times are stable, blocks of a few runs a model follow each other, in an
// order drawn anew for each block, and ratios are taken inside a block, where both models met the
// same machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/eval/statistics.hpp"

namespace pare::eval {

struct LatencyOptions {
  int blocks = 40;
  double block_seconds = 0.02;     // of each model's runs in one block, at least kMinBlockRuns runs
  double warmup_seconds = 1.0;     // longest warm-up a model
  uint64_t seed = 0;               // of the order and of the resampling
  bool pin = false;                // keep the calling thread on the CPU it is on
  std::function<int64_t()> clock;  // nanoseconds, monotonic; empty: std::chrono::steady_clock
};

// Microseconds of every run, by block.
using LatencySamples = std::vector<std::vector<double>>;

struct LatencySummary {
  int64_t runs = 0;
  double p50 = 0, p90 = 0, p99 = 0;  // microseconds
  // Median over blocks of own median / the base's median; absent when the base was not timed.
  std::optional<double> ratio;
  Interval ratio_interval{1, 1};  // bootstrap over blocks, 95 %
  // One a block, in the order they were run: what intervals at another confidence are made of.
  std::vector<double> block_medians;  // microseconds
  std::vector<double> block_ratios;   // own median / base's; empty when there is no ratio
};

// Times each of `runs` (one inference each); one result a callable, in order.
std::vector<LatencySamples> measure_latency(std::span<const std::function<void()>> runs,
                                            const LatencyOptions& options,
                                            Progress& progress = no_progress());
// `base` may be null. Both have the same number of blocks, none empty, else Bug.
LatencySummary summarise(const LatencySamples& samples, const LatencySamples* base, uint64_t seed);

// How many blocks like `blocks` (medians or ratios, one a block) the bootstrap interval of their
// median takes to leave `bound` outside: the interval's arm towards the bound shrinks with the
// square root of their number. At least the number at hand; absent when their median is the bound.
std::optional<int64_t> blocks_to_decide(std::span<const double> blocks, double bound,
                                        const Resampling& resampling = {});

}  // namespace pare::eval
