// SPDX-License-Identifier: Apache-2.0
// The protocol against a clock of our own: no test here depends on how fast the machine is.
#include "lib/eval/latency.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

// A model that is always ready: making it is free.
MakeRun ready(Run run) {
  return [run = std::move(run)] { return run; };
}

LatencyOptions quick(uint64_t seed = 0) {
  return {.blocks = 12,
          .max_blocks = 12,
          .max_seconds = 1e9,
          .block_seconds = 0,
          .warmup_seconds = 0,
          .seed = seed};
}

TEST_CASE("models take turns there and back in every block, in an order drawn from the seed") {
  const auto order_of = [](uint64_t seed) {
    int64_t now = 0;
    std::string order;
    const MakeRun models[] = {ready([&] { now += 1000, order += 'a'; }),
                              ready([&] { now += 2000, order += 'b'; })};
    LatencyOptions options = quick(seed);
    options.clock = [&] { return now; };
    const auto samples = measure_latency(models, options).models;
    CHECK(samples.size() == 2);
    CHECK(samples[0].size() == 12);
    CHECK(samples[1][5].size() == samples[1][0].size());
    return order;
  };
  const std::string order = order_of(1);
  CHECK(order == order_of(1));
  CHECK(order != order_of(2));
  // A turn is one run that is not timed and two that are; back again starts with the same model.
  CHECK(order.find("aaabbbbbbaaa") != std::string::npos);
  CHECK(order.find("bbbaaaaaabbb") != std::string::npos);
}

TEST_CASE("every model is made anew for every block, and gone before the next") {
  int made = 0;
  int alive = 0;
  int most_alive = 0;
  int64_t now = 0;
  struct Counted {
    explicit Counted(int& count) : alive(count) { ++alive; }
    ~Counted() { --alive; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    int& alive;
  };
  const MakeRun make = [&]() -> Run {
    auto model = std::make_shared<Counted>(alive);
    ++made;
    most_alive = std::max(most_alive, alive);
    return [&now, model] { now += 500; };
  };
  const MakeRun models[] = {make, make};
  LatencyOptions options = quick();
  options.clock = [&] { return now; };
  measure_latency(models, options);
  CHECK(made == 2 * (1 + 12));
  CHECK(most_alive == 2);
  CHECK(alive == 0);
}

TEST_CASE("a slow phase of the machine moves times but not the ratio") {
  int64_t now = 0;
  int64_t slowness = 1;
  int count = 0;
  const auto tick = [&](int64_t ns) {
    if (++count % 97 == 0) slowness = slowness == 1 ? 5 : 1;
    now += ns * slowness;
  };
  const MakeRun models[] = {ready([&] { tick(4000); }), ready([&] { tick(1000); })};
  LatencyOptions options{.blocks = 60, .block_seconds = 1e-5, .warmup_seconds = 1e-3};
  options.clock = [&] { return now; };
  const auto measured = measure_latency(models, options);
  const LatencySummary fast = summarise(measured.models[1], &measured.models[0], 1);
  CHECK(*fast.ratio == doctest::Approx(0.25));
  CHECK(fast.ratio_interval.low <= 0.25);
  CHECK(fast.ratio_interval.high >= 0.25);
  // The slow phases are seen: block medians are 5 to 1.
  CHECK(measured.noise.spread > 1.0);
  CHECK(measured.noise.noisy());
}

TEST_CASE("blocks go on while an interval is wide, and end when the time is up") {
  const auto blocks_of = [](int64_t jitter, double width, double max_seconds) {
    int64_t now = 0;
    int64_t block = 0;
    // One model's speed differs from block to block by up to `jitter` per cent.
    const MakeRun steady = ready([&now] { now += 100'000; });
    const MakeRun jittery = [&now, &block, jitter]() -> Run {
      const int64_t cost = 100'000 + 1000 * jitter * (++block * 7 % 11) / 10;
      return [&now, cost] { now += cost; };
    };
    const MakeRun models[] = {steady, jittery};
    LatencyOptions options{.blocks = 10,
                           .max_blocks = 70,
                           .width = width,
                           .max_seconds = max_seconds,
                           .block_seconds = 0,
                           .warmup_seconds = 0};
    options.clock = [&] { return now; };
    return measure_latency(models, options).models[0].size();
  };
  CHECK(blocks_of(0, 0.01, 1e9) == 10);
  CHECK(blocks_of(40, 0.50, 1e9) == 10);
  CHECK(blocks_of(40, 0.001, 1e9) == 70);
  CHECK(blocks_of(40, 0.001, 0) == 5);
}

TEST_CASE("a summary holds the percentiles of all runs") {
  LatencySamples samples(4);
  for (size_t i = 0; i < 100; ++i) samples[i % 4].push_back(static_cast<double>(i));
  const LatencySummary summary = summarise(samples, nullptr, 0);
  CHECK(summary.runs == 100);
  CHECK(summary.p50 == doctest::Approx(49.5));
  CHECK(summary.p90 == doctest::Approx(89.1));
  CHECK(summary.p99 == doctest::Approx(98.01));
  CHECK_FALSE(summary.ratio.has_value());
  CHECK(*summarise(samples, &samples, 0).ratio == 1.0);
  CHECK(summary.block_medians == std::vector<double>{48, 49, 50, 51});
  CHECK(summary.block_ratios.empty());
  CHECK(summarise(samples, &samples, 0).block_ratios == std::vector<double>(4, 1.0));
  CHECK_THROWS_AS(summarise({}, nullptr, 0), Bug);
}

TEST_CASE("items a second are those of all runs over the time of all runs") {
  const LatencySamples samples = {{100, 300}, {200}};  // microseconds
  CHECK(summarise(samples, nullptr, 0).items_per_second == doctest::Approx(3 / 600e-6));
  CHECK(summarise(samples, nullptr, 0, 32).items_per_second == doctest::Approx(96 / 600e-6));
}

TEST_CASE("a clock that stands still ends the warm-up and gives no ratio") {
  const MakeRun models[] = {ready([] {})};
  LatencyOptions options = quick();
  options.clock = [] { return int64_t{5}; };
  const auto samples = measure_latency(models, options).models;
  CHECK_FALSE(summarise(samples[0], &samples[0], 0).ratio.has_value());
  CHECK(summarise(samples[0], nullptr, 0).items_per_second == 0);
}

}  // namespace
}  // namespace pare::eval
