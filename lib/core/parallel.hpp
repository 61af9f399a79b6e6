// SPDX-License-Identifier: Apache-2.0
// Threads: how many this process may use, and an OpenMP parallel loop whose body may not throw.
#pragma once

#include <algorithm>
#include <cstdint>

#include <omp.h>

namespace pare {

// min(CPU affinity, cgroup v1/v2 CPU quota rounded up), at least 1.
int available_threads();

// How many neighbouring pieces of work a thread takes at a time. Several times as many turns as
// threads, so that none waits long for one that lost its processor to another program; which thread
// does what never shows in a result.
inline int pieces_at_a_time(int64_t n, int threads) {
  constexpr int64_t kTurns = 8;  // a thread
  return static_cast<int>(std::clamp<int64_t>(n / (kTurns * threads), 1, 1 << 20));
}

// Calls body(i, worker) for i in [0, n) on at most min(n, threads) threads, numbered from 0. body
// is noexcept by contract.
template <class Body>
void parallel_for_workers(int64_t n, int threads, const Body& body) {
  const auto workers = static_cast<int>(std::min<int64_t>(threads, n));
  if (workers <= 1) {
    for (int64_t i = 0; i < n; ++i) body(i, 0);
    return;
  }
  const int pieces = pieces_at_a_time(n, workers);
#pragma omp parallel for schedule(dynamic, pieces) num_threads(workers)
  for (int64_t i = 0; i < n; ++i) body(i, omp_get_thread_num());
}

// The same where it does not matter which thread it is.
template <class Body>
void parallel_for(int64_t n, int threads, const Body& body) {
  parallel_for_workers(n, threads, [&](int64_t i, int) { body(i); });
}

// The same with something of its own for every thread, body(i, own): scratch memory that is made
// once a thread and not once a step.
template <class Own, class Body>
void parallel_for_with(int64_t n, int threads, const Body& body) {
  if (threads <= 1 || n <= 1) {
    Own own;
    for (int64_t i = 0; i < n; ++i) body(i, own);
    return;
  }
  const int pieces = pieces_at_a_time(n, threads);
#pragma omp parallel num_threads(threads)
  {
    Own own;
#pragma omp for schedule(dynamic, pieces)
    for (int64_t i = 0; i < n; ++i) body(i, own);
  }
}

}  // namespace pare
