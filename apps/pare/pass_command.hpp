// SPDX-License-Identifier: Apache-2.0
// The commands that are passes: model in, pass, model out. What differs between them is data.
#pragma once

#include "apps/pare/command.hpp"

namespace pare::cli {

// Where the model that the pass works on comes from.
enum class Start : uint8_t {
  kModel,        // MODEL
  kModelOrArch,  // MODEL to go on from, or --arch to start afresh
  kStudent,      // --student or --arch; MODEL is the teacher
};

struct PassCommand {
  const pass::PassInfo* info;
  Start start = Start::kModel;
  Positional positional;
  std::vector<OptionGroup> groups;  // the pass's own options, by theme
  std::vector<std::string> examples;
  std::vector<std::string> notes = {};
};

// Adds the groups every pass shares (output, data, general) and the run function.
Command make_pass_command(PassCommand parts);

// Splits a pass's schema into "Training" (the rows shared by passes that train) and the rest.
std::vector<OptionGroup> themed(const pass::Schema& schema, const std::string& title);

// Throws Bug when `passes` lacks it.
const pass::PassInfo& pass_named(std::span<const pass::PassInfo> passes, std::string_view name);

}  // namespace pare::cli
