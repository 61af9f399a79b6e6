// SPDX-License-Identifier: Apache-2.0
// `--help`, generated from a command's schema; the same text on every terminal (golden-tested).
#pragma once

#include <string>

#include "apps/pare/command.hpp"

namespace pare::cli {

std::string help_text(const Command& command);
std::string overview_text();
// The usage line without "usage: ", e.g. "pare prune MODEL -o OUT [options]".
std::string usage_of(const Command& command);
// What stands for the option's value, "" for a flag that takes none.
std::string metavar_of(const pass::Option& option);
// What the option does, with its choices and its default.
std::string description_of(const pass::Option& option);

}  // namespace pare::cli
