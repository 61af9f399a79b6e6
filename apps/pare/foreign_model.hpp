// SPDX-License-Identifier: Apache-2.0
// Models from elsewhere: the flags that say what their files leave open, declared once, and reading
// and writing with what they say. A command takes part by having these groups.
#pragma once

#include <initializer_list>
#include <string_view>

#include "apps/pare/command.hpp"
#include "formats/formats.hpp"

namespace pare::cli {

// "Reading": those of from, arch, graph, bind and input_shape that the command takes.
OptionGroup reading_group(std::initializer_list<std::string_view> names);
// Preprocessing that a foreign model does not state: --input-scale --mean --std --layout --labels
// --like.
OptionGroup preprocessing_group();
// --opset, for commands that write models.
pass::Option opset_option();

// What can be refused in these groups without opening a file; throws UsageError.
void check_foreign_flags(const Command& command, const pass::Options& options);

// From the flags of reading_group(); notes go to the log.
formats::ReadOptions read_options(const Invocation& invocation);
// From --opset; notes go to the log.
formats::WriteOptions write_options(const Invocation& invocation);

// Whether a flag of preprocessing_group() was given.
bool states_preprocessing(const Invocation& invocation);
// Sets what those flags say. Throws Error(path) when the graph has no input of known size.
void state_preprocessing(const Invocation& invocation, const std::string& path, ir::Model& model);

}  // namespace pare::cli
