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

}  // namespace pare::cli
