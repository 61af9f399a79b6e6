// SPDX-License-Identifier: Apache-2.0
// What `pare doctor` looks up about the machine and the installation.
#pragma once

#include <string>
#include <vector>

#include "apps/pare/environment.hpp"

namespace pare::cli {

// One line of the report. `advice` is what to do about it, empty when all is well.
struct Finding {
  std::string topic;  // "BLAS"
  std::string value;  // "OpenBLAS, OpenMP threads (/usr/lib/...)"
  std::string advice;
};

std::vector<Finding> examine_machine(const Environment& environment);

}  // namespace pare::cli
