// SPDX-License-Identifier: Apache-2.0
// Accuracy against file size in a dozen lines of text.
#pragma once

#include <string>

#include "lib/eval/report.hpp"

namespace pare::eval {

// Models are numbered points, those that another beats in both are dim dots; the key below names
// them. "" unless at least two models have a size. `width` in columns, 0: 78.
std::string accuracy_plot(const Report& report, const TerminalStyle& style);

}  // namespace pare::eval
