// SPDX-License-Identifier: Apache-2.0
#include "lib/core/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include <sched.h>

namespace pare {

namespace {

// CPUs that the cgroup's quota allows, or `unlimited`.
int cgroup_cpus(int unlimited) {
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
    if (quota == "max" || period <= 0) return unlimited;
    return static_cast<int>(std::ceil(std::strtod(quota.c_str(), nullptr) / period));
  }
  double v1_quota = -1;
  std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> v1_quota;
  std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  return v1_quota > 0 && period > 0 ? static_cast<int>(std::ceil(v1_quota / period)) : unlimited;
}

}  // namespace

int available_threads() {
  // Looked up once: it takes longer than counting the zeros of a small tensor.
  static const int available = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return std::max(1, std::min(affinity, cgroup_cpus(affinity)));
  }();
  return available;
}

}  // namespace pare
