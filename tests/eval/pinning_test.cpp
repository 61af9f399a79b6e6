// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/pinning.hpp"

#include <set>

#include <doctest/doctest.h>
#include <omp.h>

namespace pare::eval {
namespace {

int allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

TEST_CASE("a pinned thread has one CPU, and all it had before afterwards") {
  const int before = allowed_cpus();
  {
    const Pinning pinning(1);
    CHECK(pinning.active());
    CHECK(allowed_cpus() == 1);
  }
  CHECK(allowed_cpus() == before);
}

TEST_CASE("threads of a parallel region get CPUs of their own") {
  const std::vector<int> cpus = cpus_for_threads();
  CHECK(static_cast<int>(cpus.size()) == allowed_cpus());
  CHECK(std::set<int>(cpus.begin(), cpus.end()).size() == cpus.size());
  if (cpus.size() < 2) return;
  int on[2] = {-1, -1};
  int allowed[2] = {0, 0};
  {
    const Pinning pinning(2);
#pragma omp parallel num_threads(2)
    {
      on[omp_get_thread_num()] = sched_getcpu();
      allowed[omp_get_thread_num()] = allowed_cpus();
    }
  }
  CHECK(on[0] != on[1]);
  CHECK(allowed[0] == 1);
  CHECK(allowed[1] == 1);
#pragma omp parallel num_threads(2)
  allowed[omp_get_thread_num()] = allowed_cpus();
  CHECK(allowed[0] == static_cast<int>(cpus.size()));
  CHECK(allowed[1] == static_cast<int>(cpus.size()));
}

TEST_CASE("more threads than CPUs are left where they are") {
  const int before = allowed_cpus();
  const Pinning pinning(before + 1);
  CHECK_FALSE(pinning.active());
  CHECK(allowed_cpus() == before);
}

}  // namespace
}  // namespace pare::eval
