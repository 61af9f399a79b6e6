// SPDX-License-Identifier: Apache-2.0
// JSON as used throughout: key order kept (so that the same model writes the same bytes) and a
// strict parser for text that comes from files.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace pare {

using Json = nlohmann::ordered_json;

// Parses untrusted text. Throws Error(subject, ...) on malformed text, duplicate keys, nesting
// deeper than 64, or trailing bytes. `allow_comments` accepts // and /* */ (recipes).
Json parse_json(std::string_view text, std::string_view subject, bool allow_comments = false);

// One-line UTF-8 text; invalid UTF-8 is replaced, never thrown on.
std::string to_text(const Json& json, int indent = -1);

}  // namespace pare
