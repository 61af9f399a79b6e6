// SPDX-License-Identifier: Apache-2.0
// Arguments to options through CLI11, by the command's schema.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/pare/command.hpp"

namespace pare::cli {

struct Arguments {
  bool help = false;  // asked for; the rest is then unchecked
  std::vector<std::string> positionals;
  pass::Options options;
};

// `arguments` starts with the command's name. Throws UsageError on anything wrong in them: an
// unknown flag (naming the nearest), a missing value, a value out of range, too few or too many
// positionals.
Arguments parse(const Command& command, std::span<char* const> arguments);

// The short form of a flag, "-o", or "".
std::string short_flag(const pass::Option& option);
// The long form as it is typed: a flag that is on by default is typed as "--no-NAME".
std::string typed_flag(const pass::Option& option);
// A value as it is typed: texts without quotes, 4 rather than 4.0.
std::string typed_value(const Json& value);

}  // namespace pare::cli
