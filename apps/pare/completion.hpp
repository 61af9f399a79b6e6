// SPDX-License-Identifier: Apache-2.0
// Completion scripts for shells, made from the table of commands.
#pragma once

#include <string>
#include <string_view>

namespace pare::cli {

// `shell`: bash, zsh or fish.
std::string completion_script(std::string_view shell);

}  // namespace pare::cli
