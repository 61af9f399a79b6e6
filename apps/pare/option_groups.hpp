// SPDX-License-Identifier: Apache-2.0
// Flags that several commands share, declared once each.
#pragma once

#include <initializer_list>
#include <string_view>

#include "apps/pare/command.hpp"

namespace pare::cli {

// "Data": --data and how to read it. `use` says what the command does with it ("to evaluate on").
OptionGroup data_group(const std::string& use);
// The rows of data_group that say how to read a data set, without effect when there is none.
pass::Schema data_reading_options();
// Which part of the data set to take: train, validation or test.
pass::Option split_option(const std::string& help);
// "General": those of threads, seed, json, dry_run, print_config, quiet, verbose that have an
// effect.
OptionGroup general_group(std::initializer_list<std::string_view> names);

// "Make": --depfile and --if-changed (freshness.hpp), for commands that write files.
OptionGroup automation_group();

// The row of one shared option; a Bug when there is none.
pass::Option shared_option(std::string_view name);
// `-o FILE`, required where `required` (which its help then says).
pass::Option output_option(const std::string& help, bool required);
// Throws UsageError unless --output is given.
void require_output(const pass::Options& options, const std::string& command);

}  // namespace pare::cli
