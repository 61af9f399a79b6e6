// SPDX-License-Identifier: Apache-2.0
// What a model's history says of the command line that made it, beside the pass's own options: how
// the data and the input were read, what was stated about them, which files went in (as hashes,
// never as paths). With that, `pare verify --rebuild` can say the command line again.
#pragma once

#include <optional>

#include "apps/pare/command.hpp"
#include "lib/ir/model.hpp"

namespace pare::cli {

// Adds to the last entry of the model's history. A training's threads decide its last bits.
void record_command_line(const Invocation& invocation, bool trains, ir::Model& model);
// An entry for a conversion of the file with that hash, which no pass records.
ir::HistoryEntry conversion_entry(const Invocation& invocation, const std::string& input_sha256);

// Whether an entry is one command line; others note what a reader or a writer did on the way.
bool is_command(const ir::HistoryEntry& entry);
// The options that were given, under the names of the command's flags; without the seed.
Json options_given(const ir::HistoryEntry& entry);

}  // namespace pare::cli
