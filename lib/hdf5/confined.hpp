// SPDX-License-Identifier: Apache-2.0
// Runs a function in a forked child that can do little harm: no new files or processes, bounded
// memory, CPU time and wall time, no core dump, no terminal. What it returns comes back through a
// pipe; nothing else does, except what it writes into memory that was shared before.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pare::hdf5 {

struct Confinement {
  int64_t memory_bytes = int64_t{1} << 30;  // address space beyond what the parent has
  int64_t file_bytes = 0;                   // largest file (shared memory) it may grow
  int cpu_seconds = 60;
  int64_t max_result_bytes = int64_t{64} << 20;
  std::vector<int> keep_open = {};  // descriptors that stay usable
};

// `open` runs while files may still be opened, `work` after that is over; its result is returned.
// Nothing when the child died, ran out of a limit, threw, or said too much. Safe in a process with
// threads as long as the child's functions use no lock that another thread may hold.
std::optional<std::string> run_confined(const Confinement& limits,
                                        const std::function<void()>& open,
                                        const std::function<std::string()>& work);

}  // namespace pare::hdf5
