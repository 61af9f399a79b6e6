// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/environment.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

#include "lib/core/error.hpp"

extern char** environ;

namespace pare::cli {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// GNU make passes its job server to children of a parallel run: --jobserver-auth (4.0 and later),
// --jobserver-fds before.
bool under_parallel_make() {
  const std::string flags = variable("MAKEFLAGS");
  return flags.find("--jobserver-auth") != std::string::npos ||
         flags.find("--jobserver-fds") != std::string::npos;
}

struct Known {
  std::string_view name;  // a trailing '*' stands for any ending
  std::string_view effect;
};

constexpr std::array<Known, 11> kKnown{{
    {"OPENBLAS_CORETYPE", "forces OpenBLAS kernels of that CPU; can halve the speed of training"},
    {"OPENBLAS_NUM_THREADS", "overrides how many threads OpenBLAS uses in training"},
    {"OMP_NUM_THREADS", "is replaced by --threads when training; ignored otherwise"},
    {"OMP_WAIT_POLICY", "ACTIVE makes idle threads spin; training sets PASSIVE itself"},
    {"OMP_PROC_BIND", "pins threads; several runs at once then share the same cores"},
    {"GOMP_CPU_AFFINITY", "pins threads; several runs at once then share the same cores"},
    {"MKL_*", "configures Intel MKL, which this build does not use unless BLAS points at it"},
    {"DNNL_*", "changes which kernels oneDNN picks, and so speed and last bits of float results"},
    {"ONEDNN_*", "changes which kernels oneDNN picks, and so speed and last bits of float results"},
    {"LD_PRELOAD", "replaces library functions; measurements are of those"},
    {"PARE_ISA", "caps the instruction set of pare's and oneDNN's kernels"},
}};

bool matches(std::string_view name, std::string_view pattern) {
  if (!pattern.ends_with('*')) return name == pattern;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

}  // namespace

Environment read_environment() {
  return {.isa = variable("PARE_ISA"),
          .no_color = !variable("NO_COLOR").empty(),
          .ci = !variable("CI").empty(),
          .parallel_make = under_parallel_make(),
          .stdout_terminal = ::isatty(STDOUT_FILENO) == 1,
          .stderr_terminal = ::isatty(STDERR_FILENO) == 1};
}

std::vector<SurprisingVariable> surprising_variables() {
  std::vector<SurprisingVariable> found;
  for (const Known& known : kKnown) {
    for (char** entry = environ; entry && *entry; ++entry) {
      const std::string_view text(*entry);
      const size_t equals = text.find('=');
      if (equals == std::string_view::npos || !matches(text.substr(0, equals), known.name))
        continue;
      found.push_back({std::string(text.substr(0, equals)), escaped(text.substr(equals + 1)),
                       std::string(known.effect)});
    }
  }
  return found;
}

void prepare_training_environment(int threads) {
  ::setenv("OMP_WAIT_POLICY", "PASSIVE", 1);
  ::setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
}

}  // namespace pare::cli
