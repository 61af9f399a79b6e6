// SPDX-License-Identifier: Apache-2.0
// Files to Models and back. One table row a format (formats.cpp); chosen by content where a format
// has a signature, else by extension; --from and --to override.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/progress.hpp"
#include "lib/ir/model.hpp"

namespace pare::formats {

struct FormatRow {
  std::string_view name;  // "pare"
  std::string_view summary;
  std::vector<std::string_view> extensions;             // ".pare"
  bool (*recognises)(std::span<const std::byte> head);  // may be null; head: first 512 bytes
  ir::Model (*read)(const std::string& path);           // null: write only
  void (*write)(const ir::Model& model, const std::string& path);  // null: read only; atomic
};

std::span<const FormatRow> all_formats();
// Throws Error(path, ...): missing, a folder, empty, not a known format, damaged.
// The result has passed ir::verify.
ir::Model read(const std::string& path, std::string_view format = {});
void write(const ir::Model& model, const std::string& path, std::string_view format = {});
// The row that would read `path`: by content, else by extension. Throws as read() does.
const FormatRow& format_of(const std::string& path);
// The row that would write `path`; throws UsageError when the extension is unknown. Called before
// work.
const FormatRow& writer_for(const std::string& path, std::string_view format = {});

}  // namespace pare::formats
