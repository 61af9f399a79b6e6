// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/pinning.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include <omp.h>

namespace pare::eval {
namespace {

// Package and core that a hardware thread belongs to; a core of its own where the system does not
// say.
std::pair<int, int> core_of(int cpu) {
  const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
  int package = -1;
  int core = cpu;
  if (std::ifstream(folder + "physical_package_id") >> package) {
    std::ifstream(folder + "core_id") >> core;
  }
  return {package, core};
}

bool bind_to(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<size_t>(cpu), &only);
  return sched_setaffinity(0, sizeof only, &only) == 0;
}

}  // namespace

std::vector<int> cpus_for_threads() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  std::vector<int> cpus;
  const int current = sched_getcpu();
  if (current >= 0 && CPU_ISSET(static_cast<size_t>(current), &allowed)) cpus.push_back(current);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (cpu != current && CPU_ISSET(static_cast<size_t>(cpu), &allowed)) cpus.push_back(cpu);
  }
  std::set<std::pair<int, int>> seen;
  std::stable_partition(cpus.begin(), cpus.end(),
                        [&](int cpu) { return seen.insert(core_of(cpu)).second; });
  return cpus;
}

Pinning::Pinning(int threads) : threads_(threads) {
  const std::vector<int> cpus = cpus_for_threads();
  if (threads < 1 || static_cast<size_t>(threads) > cpus.size()) return;
  if (sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  active_ = bind_to(cpus[0]);
  if (!active_ || threads == 1) return;
#pragma omp parallel num_threads(threads)
  {
    if (omp_get_thread_num() > 0) bind_to(cpus[static_cast<size_t>(omp_get_thread_num())]);
  }
}

Pinning::~Pinning() {
  if (!active_) return;
  sched_setaffinity(0, sizeof before_, &before_);
  if (threads_ == 1) return;
#pragma omp parallel num_threads(threads_)
  { sched_setaffinity(0, sizeof before_, &before_); }
}

}  // namespace pare::eval
