// SPDX-License-Identifier: Apache-2.0
// Peak memory of running a model, measured in a process of its own: in this one, the other models
// and the data set would be counted too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pare::eval {

struct PeakMemory {
  std::optional<int64_t> bytes;  // peak resident set of the child
  std::string reason;            // why not, when absent
};

// The executable `pare-infer` beside the running program, or "" when there is none.
std::string find_infer_executable();

// Runs `infer_executable MODEL --input zeros --threads 1 --json --repeat 3` with stderr discarded
// and reads "peak_rss_kb" (VmHWM) from its JSON. Never throws for what the child does; gives up
// after `timeout_seconds`.
PeakMemory measure_peak_memory(const std::string& infer_executable, const std::string& model_path,
                               double timeout_seconds = 60);

}  // namespace pare::eval
