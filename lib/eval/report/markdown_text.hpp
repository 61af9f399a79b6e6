// SPDX-License-Identifier: Apache-2.0
// Text from files as Markdown.
#pragma once

#include <string>

namespace pare::eval {

// Text from files must not become markup: what CommonMark reads inside a line is escaped (its
// sections 2.4 and 2.5).
std::string markdown_text(const std::string& raw);

}  // namespace pare::eval
