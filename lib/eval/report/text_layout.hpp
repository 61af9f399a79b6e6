// SPDX-License-Identifier: Apache-2.0
// Widths, padding, breaking and colour of UTF-8 text on a terminal.
#pragma once

#include <cstddef>
#include <string>

namespace pare::eval {

// Columns taken, one a code point.
size_t display_width(const std::string& text);
std::string repeated(const char* text, size_t n);
std::string padded_left(const std::string& text, size_t width);
std::string padded_right(const std::string& text, size_t width);
// With an SGR code ("31"), when `colour`.
std::string painted(const std::string& text, const char* code, bool colour);
// Breaks at spaces so that no line is wider than `width`, and ends the last line; 0: one line.
std::string wrapped(const std::string& text, int width);

}  // namespace pare::eval
