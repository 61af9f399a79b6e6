// SPDX-License-Identifier: Apache-2.0
// Text into HTML and SVG. Every text that could come from a file passes through here.
#pragma once

#include <string>
#include <string_view>

namespace pare::eval {

// Safe inside elements and double-quoted attributes; control characters and invalid UTF-8 become
// visible \xNN.
std::string html_escaped(std::string_view text);
// As above, isolated from the direction of the text around it.
std::string html_name(std::string_view name);
// Hyphenation points after '_', '.', '/' and '-', so that long names of files wrap on a phone.
std::string html_breakable(std::string_view text);
// A coordinate with at most one decimal: "12.5", "12".
std::string coordinate(double value);
// The style sheet of the page, light, dark and print.
std::string_view style_sheet();

}  // namespace pare::eval
