// SPDX-License-Identifier: Apache-2.0
// --max-memory: a command that would need more private memory than it may use says so before the
// work instead of dying in it.
#pragma once

#include <optional>
#include <string>

#include "apps/pare/command.hpp"

namespace pare::cli {

// "--max-memory SIZE".
pass::Option max_memory_option();
// "512M", "2G", "1.5G" or bytes; nothing when that is not what the text is.
std::optional<int64_t> parse_size(const std::string& text);
// Throws UsageError on a size that is none.
void check_memory_flag(const pass::Options& options, const pass::Schema& schema);

// Private bytes that streaming `model` through a pass or into a file takes at most: what the
// process holds once the model is read, twice the largest tensor, the parts that writers evaluate
// together. `items` > 0: the model also runs on so many items at a time, with every value kept.
int64_t memory_needed(const ir::Model& model, int64_t items = 0);
// Throws Error(path) when that exceeds --max-memory.
void check_memory(const Invocation& invocation, const std::string& path, const ir::Model& model,
                  int64_t items = 0);

}  // namespace pare::cli
