// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/report/html_text.hpp"

#include "lib/core/error.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr size_t kMaxText = 2000;

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
  }
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : escaped(text, kMaxText)) append_escaped(out, c);
  return out;
}

std::string html_name(std::string_view name) { return "<bdi>" + html_breakable(name) + "</bdi>"; }

std::string html_breakable(std::string_view text) {
  std::string out;
  for (const char c : escaped(text, kMaxText)) {
    append_escaped(out, c);
    if (c == '_' || c == '.' || c == '/' || c == '-') out += "<wbr>";
  }
  return out;
}

std::string coordinate(double value) {
  std::string text = fixed(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

}  // namespace pare::eval
