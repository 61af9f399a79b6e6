// SPDX-License-Identifier: Apache-2.0
// Whether the machine left a measurement alone: what else ran meanwhile, as the kernel counted it,
// and how far the times themselves scatter. What the kernel does not say is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pare::eval {

struct MachineNoise {
  double seconds = 0;                           // of the measurement
  std::optional<double> waiting_share;          // of it, the timing thread was kept off its CPU
  std::optional<int64_t> involuntary_switches;  // of the timing thread
  std::optional<double> stolen_share;           // of the CPUs' time, by the hypervisor
  std::optional<double> other_cpus;             // that other processes kept busy, on average
  int cpus = 0;                                 // of the machine
  double spread = 0;  // (p90 - p10) / p50 of block medians, of the model that scatters most
  bool noisy() const;
  // What was counted, for a warning: "the timing thread waited for a CPU 34 % of the time, ...".
  std::string evidence() const;
};

// Counts from construction to stop(), on the thread that does both. `proc` is where /proc is.
class NoiseWatch {
 public:
  explicit NoiseWatch(std::string proc = "/proc");
  MachineNoise stop() const;  // without `spread`

 private:
  struct Counters {
    int64_t wall_ns = 0;
    std::optional<int64_t> waited_ns;
    std::optional<int64_t> switches;
    std::optional<double> own_seconds;   // CPU time of this process
    std::optional<double> busy_seconds;  // CPU time of all processes
    std::optional<double> stolen_seconds;
    std::optional<double> all_seconds;  // that the CPUs had
    int cpus = 0;
  };
  Counters read() const;
  std::string proc_;
  Counters before_;
};

}  // namespace pare::eval
