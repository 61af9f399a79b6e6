// SPDX-License-Identifier: Apache-2.0
// Keeps threads on CPUs of their own while latency is measured: a thread that moves takes its time
// to fill another CPU's caches, and that is the scheduler's doing and no model's.
#pragma once

#include <vector>

#include <sched.h>

namespace pare::eval {

// Binds the calling thread and, with `threads` > 1, the OpenMP threads that its parallel regions of
// that size use, until destroyed. Does nothing when there are fewer CPUs than threads or the system
// refuses.
class Pinning {
 public:
  explicit Pinning(int threads);
  ~Pinning();
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;
  bool active() const { return active_; }

 private:
  int threads_;
  cpu_set_t before_{};
  bool active_ = false;
};

// The CPUs that this thread may use, in the order in which threads are bound: the one it is on
// first, then one of every other core, then the further hardware threads of the same cores.
std::vector<int> cpus_for_threads();

}  // namespace pare::eval
