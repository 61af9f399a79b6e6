// SPDX-License-Identifier: Apache-2.0
// The protocol against a clock of our own: no test here depends on how fast the machine is.
#include "lib/eval/latency.hpp"

#include <string>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

TEST_CASE("models take turns in every block, in an order that changes and is the same each time") {
  const auto order_of = [](uint64_t seed) {
    int64_t now = 0;
    std::string order;
    const std::function<void()> runs[] = {[&] { now += 1000, order += 'a'; },
                                          [&] { now += 2000, order += 'b'; }};
    LatencyOptions options{.blocks = 12, .block_seconds = 0, .warmup_seconds = 0, .seed = seed};
    options.clock = [&] { return now; };
    const auto samples = measure_latency(runs, options);
    CHECK(samples.size() == 2);
    CHECK(samples[0].size() == 12);
    CHECK(samples[1][5].size() == samples[1][0].size());
    return order;
  };
  const std::string order = order_of(1);
  CHECK(order == order_of(1));
  CHECK(order != order_of(2));
  CHECK(order.find("aaaabbbb") != std::string::npos);
  CHECK(order.find("bbbbaaaa") != std::string::npos);
}

TEST_CASE("a slow phase of the machine moves times but not the ratio") {
  int64_t now = 0;
  int64_t slowness = 1;
  int count = 0;
  const auto tick = [&](int64_t ns) {
    if (++count % 97 == 0) slowness = slowness == 1 ? 5 : 1;
    now += ns * slowness;
  };
  const std::function<void()> runs[] = {[&] { tick(4000); }, [&] { tick(1000); }};
  LatencyOptions options{.blocks = 60, .block_seconds = 1e-5, .warmup_seconds = 1e-3};
  options.clock = [&] { return now; };
  const auto samples = measure_latency(runs, options);
  const LatencySummary fast = summarise(samples[1], &samples[0], 1);
  CHECK(*fast.ratio == doctest::Approx(0.25));
  CHECK(fast.ratio_interval.low <= 0.25);
  CHECK(fast.ratio_interval.high >= 0.25);
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

TEST_CASE("the blocks that decide a bound grow with the square of how near it is") {
  // Symmetric about 1 without ties, so that the median is 1 and the interval's arms are alike.
  std::vector<double> ratios;
  for (int i = -50; i <= 50; ++i) ratios.push_back(1.0 + 0.001 * i);
  const Interval interval = bootstrap_median(ratios, {});
  const double arm = interval.high - 1.0;
  CHECK(*blocks_to_decide(ratios, 1.0 + 2.0 * arm) == 101);
  CHECK(*blocks_to_decide(ratios, 1.0 + 0.5 * arm) == doctest::Approx(404).epsilon(0.01));
  CHECK(*blocks_to_decide(ratios, 1.0 - 0.5 * arm) == doctest::Approx(404).epsilon(0.3));
  CHECK_FALSE(blocks_to_decide(ratios, 1.0).has_value());
  // More confidence is a wider interval, and more blocks.
  CHECK(*blocks_to_decide(ratios, 1.0 + 0.5 * arm, {.confidence = 0.99}) > 404);
  CHECK(*blocks_to_decide(std::vector<double>(10, 2.0), 1.0) == 10);
}

TEST_CASE("a clock that stands still ends the warm-up and gives no ratio") {
  const std::function<void()> runs[] = {[] {}};
  LatencyOptions options{.blocks = 2, .block_seconds = 0, .warmup_seconds = 0};
  options.clock = [] { return int64_t{5}; };
  const auto samples = measure_latency(runs, options);
  CHECK_FALSE(summarise(samples[0], &samples[0], 0).ratio.has_value());
}

}  // namespace
}  // namespace pare::eval
