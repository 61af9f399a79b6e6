// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/layer_bench.hpp"

#include <algorithm>
#include <chrono>

#include "lib/ir/shape.hpp"

namespace pare::runtime {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double kShortestSampleUs = 2.0;

double run_us(Session& session, int step, int times) {
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < times; ++i) session.run_step(step);
  const double total = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  return total / times;
}

struct Samples {
  int session;
  int step;
  int times = 1;  // runs a sample
  std::vector<double> us;
};

double rank(const std::vector<double>& sorted, double q) {
  const auto index = static_cast<size_t>(q * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace

std::vector<std::vector<LayerTiming>> bench_layers(std::span<Session* const> sessions,
                                                   const LayerBenchOptions& options) {
  std::vector<Samples> all;
  for (size_t s = 0; s < sessions.size(); ++s) {
    for (int i = 0; i < std::max(1, options.warmup); ++i) sessions[s]->run();
    for (size_t step = 0; step < sessions[s]->steps().size(); ++step) {
      Samples samples{.session = static_cast<int>(s), .step = static_cast<int>(step)};
      const double once = run_us(*sessions[s], samples.step, 1);
      samples.times =
          std::clamp(static_cast<int>(kShortestSampleUs / std::max(once, 0.01)), 1, 200);
      all.push_back(samples);
    }
  }
  for (int round = 0; round < std::max(1, options.rounds); ++round) {
    for (Samples& samples : all) {
      Session& session = *sessions[static_cast<size_t>(samples.session)];
      samples.us.push_back(run_us(session, samples.step, samples.times));
    }
  }
  std::vector<std::vector<LayerTiming>> out(sessions.size());
  for (Samples& samples : all) {
    const auto s = static_cast<size_t>(samples.session);
    std::sort(samples.us.begin(), samples.us.end());
    LayerTiming timing{.step = sessions[s]->steps()[static_cast<size_t>(samples.step)]};
    timing.median_us = rank(samples.us, 0.5);
    timing.p90_us = rank(samples.us, 0.9);
    timing.bytes_moved = ir::element_count(timing.step.output) * (timing.step.integer ? 1 : 4);
    out[s].push_back(std::move(timing));
  }
  return out;
}

}  // namespace pare::runtime
