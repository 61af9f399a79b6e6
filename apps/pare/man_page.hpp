// SPDX-License-Identifier: Apache-2.0
// Manual pages, made from the table of commands, in the macros of man(7).
#pragma once

#include <string>

#include "apps/pare/command.hpp"

namespace pare::cli {

// pare(1).
std::string man_page();
// pare-COMMAND(1).
std::string man_page(const Command& command);

}  // namespace pare::cli
