// SPDX-License-Identifier: Apache-2.0
// Threads: how many this process may use, and an OpenMP parallel loop whose body may not throw.
#pragma once

#include <cstdint>

namespace pare {

// min(CPU affinity, cgroup v1/v2 CPU quota rounded up), at least 1.
int available_threads();

// Calls body(i) for i in [0, n) on `threads` threads, static schedule. body is noexcept by
// contract.
template <class Body>
void parallel_for(int64_t n, int threads, const Body& body) {
  if (threads <= 1 || n <= 1) {
    for (int64_t i = 0; i < n; ++i) body(i);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t i = 0; i < n; ++i) body(i);
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
#pragma omp parallel num_threads(threads)
  {
    Own own;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < n; ++i) body(i, own);
  }
}

}  // namespace pare
