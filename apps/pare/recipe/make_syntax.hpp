// SPDX-License-Identifier: Apache-2.0
// Names as GNU make and Ninja read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pare::cli {

// A file name as a target or a prerequisite: spaces, '#', ':', '%' and '$' escaped. Throws Error
// for a name with a line break, which neither can hold.
std::string make_name(std::string_view path);
// A text as the value of a variable: '$' doubled, '#' escaped.
std::string make_text(std::string_view text);

// "OUT: IN...", and for each input an empty rule, so that a file that went away is no error.
std::string depfile_text(const std::vector<std::string>& outputs,
                         const std::vector<std::string>& inputs);

}  // namespace pare::cli
