// SPDX-License-Identifier: Apache-2.0
// Energy from RAPL, the counters that processors keep of the energy their packages and memory take
// (Linux: Documentation/power/powercap). They count everything that runs on a package, idling
// included, so a model is run alone while they are read. Virtual machines rarely have them, and
// most systems let only root read them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/eval/latency.hpp"

namespace pare::eval {

inline constexpr const char* kPowercap = "/sys/class/powercap";

class EnergyCounter {
 public:
  // Finds the domains of packages and memory under `root`. On failure reason() says why, and
  // joules() has no value.
  explicit EnergyCounter(const std::string& root = kPowercap);
  const std::string& reason() const { return reason_; }
  // Since the last call, or since construction; absent when a domain could not be read. A counter
  // wraps at max_energy_range_uj, after a minute or more at full power: call at least that often.
  std::optional<double> joules();

 private:
  struct Domain {
    std::string path;  // of energy_uj
    int64_t range_uj = 0;
    int64_t last_uj = 0;
  };
  void add(const std::string& folder);
  std::vector<Domain> domains_;
  std::string reason_;
};

struct EnergyOptions {
  int turns = 5;              // of each model, in a random order
  double turn_seconds = 0.2;  // the counters move about once a millisecond
  uint64_t seed = 0;
};

// Joules a run of each model: the median over turns of a turn's energy over its runs. Absent where
// a counter failed.
std::vector<std::optional<double>> measure_energy(std::span<const MakeRun> models,
                                                  EnergyCounter& counter,
                                                  const LatencyOptions& protocol,
                                                  const EnergyOptions& options = {});

}  // namespace pare::eval
