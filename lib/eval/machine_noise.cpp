// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/machine_noise.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <numeric>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

// Above these a measurement is called noisy. On an idle machine all three stay below a fifth of
// them.
constexpr double kNoisyWaiting = 0.02;
constexpr double kNoisyStolen = 0.02;
constexpr double kNoisySpread = 0.15;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

// after - before where both were counted and the counter did not go back.
template <class T>
std::optional<T> difference(const std::optional<T>& before, const std::optional<T>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

std::string percent_of(double share) { return percent(share, share < 0.0995 ? 1 : 0); }

}  // namespace

bool MachineNoise::noisy() const {
  return waiting_share.value_or(0) > kNoisyWaiting || stolen_share.value_or(0) > kNoisyStolen ||
         spread > kNoisySpread;
}

std::string MachineNoise::evidence() const {
  std::string out;
  const auto add = [&out](const std::string& fact) { out += (out.empty() ? "" : ", ") + fact; };
  if (waiting_share) {
    add("the timing thread waited for a CPU " + percent_of(*waiting_share) + " of the time");
  }
  if (involuntary_switches) {
    add("was interrupted " + grouped(*involuntary_switches) + " times in " + fixed(seconds, 1) +
        " s");
  }
  if (other_cpus) {
    add("other processes kept " + fixed(*other_cpus, 1) + " of " + std::to_string(cpus) +
        " CPUs busy");
  }
  if (stolen_share) add("the hypervisor took " + percent_of(*stolen_share) + " of the CPU time");
  add(spread < 1 ? "block medians spread over " + percent_of(spread)
                 : "block medians spread over " + fixed(spread, 0) + " times their median");
  return out;
}

NoiseWatch::NoiseWatch(std::string proc) : proc_(std::move(proc)) { before_ = read(); }

NoiseWatch::Counters NoiseWatch::read() const {
  Counters now;
  now.wall_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                    std::chrono::steady_clock::now().time_since_epoch())
                    .count();
  int64_t ran = 0;
  int64_t waited = 0;
  if (std::ifstream(proc_ + "/thread-self/schedstat") >> ran >> waited) now.waited_ns = waited;
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) now.switches = usage.ru_nivcsw;
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    now.own_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  }
  // proc(5): user nice system idle iowait irq softirq steal, in ticks; guests are within user.
  std::string word;
  std::array<int64_t, 8> ticks{};
  std::ifstream stat(proc_ + "/stat");
  if (!(stat >> word) || word != "cpu") return now;
  for (int64_t& value : ticks) {
    if (!(stat >> value)) return now;
  }
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto seconds = [tick](int64_t count) { return tick * static_cast<double>(count); };
  const int64_t all = std::accumulate(ticks.begin(), ticks.end(), int64_t{0});
  now.all_seconds = seconds(all);
  now.stolen_seconds = seconds(ticks[7]);
  now.busy_seconds = seconds(all - ticks[3] - ticks[4] - ticks[7]);
  while (stat >> word) {
    const bool one_cpu = word.size() > 3 && word.starts_with("cpu");
    now.cpus += one_cpu ? 1 : 0;
  }
  return now;
}

MachineNoise NoiseWatch::stop() const {
  const Counters after = read();
  MachineNoise noise{.seconds = 1e-9 * static_cast<double>(after.wall_ns - before_.wall_ns),
                     .cpus = after.cpus};
  const auto share = [](const auto& part, double whole) -> std::optional<double> {
    if (!part || !(whole > 0)) return std::nullopt;
    return std::clamp(static_cast<double>(*part) / whole, 0.0, 1.0);
  };
  const auto waited = difference(before_.waited_ns, after.waited_ns);
  noise.waiting_share = share(waited, 1e9 * noise.seconds);
  noise.involuntary_switches = difference(before_.switches, after.switches);
  const auto all = difference(before_.all_seconds, after.all_seconds);
  noise.stolen_share =
      share(difference(before_.stolen_seconds, after.stolen_seconds), all.value_or(0));
  const auto busy = difference(before_.busy_seconds, after.busy_seconds);
  const auto own = difference(before_.own_seconds, after.own_seconds);
  // Ticks are coarse: a measurement of less than a few of them says nothing.
  if (busy && own && noise.seconds > 0.2) {
    noise.other_cpus = std::max(0.0, *busy - *own) / noise.seconds;
  }
  return noise;
}

}  // namespace pare::eval
