// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/markdown_text.hpp"

#include <string_view>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxText = 2000;

}  // namespace

std::string markdown_text(const std::string& raw) {
  std::string out;
  for (const char c : escaped(raw, kMaxText)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*_[]#|~$!").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace pare::eval
