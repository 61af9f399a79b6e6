// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/text_layout.hpp"

#include <algorithm>

namespace pare::eval {

size_t display_width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string repeated(const char* text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

std::string painted(const std::string& text, const char* code, bool colour) {
  return colour ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

std::string wrapped(const std::string& text, int width) {
  if (width <= 0) return text + '\n';
  std::string out;
  size_t column = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const size_t word_width = display_width(word);
    if (column > 0 && column + 1 + word_width > static_cast<size_t>(width)) {
      out += '\n';
      column = 0;
    }
    if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word_width;
    at = end + 1;
  }
  return out + '\n';
}

std::string padded_left(const std::string& text, size_t width) {
  const size_t own = display_width(text);
  return std::string(width > own ? width - own : 0, ' ') + text;
}

std::string padded_right(const std::string& text, size_t width) {
  const size_t own = display_width(text);
  return text + std::string(width > own ? width - own : 0, ' ');
}

}  // namespace pare::eval
