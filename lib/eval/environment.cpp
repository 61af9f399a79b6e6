// SPDX-License-Identifier: Apache-2.0
// The machine a report was measured on.
#include <fstream>

#include "lib/eval/report.hpp"
#include "lib/runtime/isa.hpp"

namespace pare::eval {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

}  // namespace

Environment current_environment(int threads, int latency_threads) {
  return {.cpu = cpu_name(),
          .isa = std::string(runtime::name_of(runtime::active_isa())),
          .threads = threads,
          .latency_threads = latency_threads,
          .version = PARE_VERSION};
}

}  // namespace pare::eval
