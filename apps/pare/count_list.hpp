// SPDX-License-Identifier: Apache-2.0
// Options that take several numbers at once, as in `--threads 1,2`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/pass/options.hpp"

namespace pare::cli {

// The numbers of a text option in their order; none when it has no value. Throws UsageError unless
// they are whole, in [1, most], separated by commas and all different.
std::vector<int64_t> count_list(const pass::Options& options, std::string_view name, int64_t most);

}  // namespace pare::cli
