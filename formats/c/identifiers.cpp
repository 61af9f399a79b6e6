// SPDX-License-Identifier: Apache-2.0
#include "formats/c/identifiers.hpp"

#include <array>

namespace pare::formats::c {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Words of C99 and, because headers are included there too, of C++.
constexpr std::array<std::string_view, 91> kKeywords = {
    "alignas",    "alignof",       "and",         "and_eq",    "asm",      "auto",
    "bitand",     "bitor",         "bool",        "break",     "case",     "catch",
    "char",       "class",         "compl",       "concept",   "const",    "constexpr",
    "const_cast", "continue",      "decltype",    "default",   "delete",   "do",
    "double",     "dynamic_cast",  "else",        "enum",      "explicit", "export",
    "extern",     "false",         "float",       "for",       "friend",   "goto",
    "if",         "inline",        "int",         "long",      "mutable",  "namespace",
    "new",        "noexcept",      "not",         "not_eq",    "nullptr",  "operator",
    "or",         "or_eq",         "private",     "protected", "public",   "register",
    "requires",   "restrict",      "return",      "short",     "signed",   "sizeof",
    "static",     "static_assert", "static_cast", "struct",    "switch",   "template",
    "this",       "thread_local",  "throw",       "true",      "try",      "typedef",
    "typeid",     "typename",      "union",       "unsigned",  "using",    "virtual",
    "void",       "volatile",      "wchar_t",     "while",     "xor",      "xor_eq",
    "main",       "exp",           "sin",         "y0",        "y1",       "j0"};

bool is_keyword(std::string_view name) {
  for (const std::string_view keyword : kKeywords) {
    if (name == keyword) return true;
  }
  return false;
}

}  // namespace

std::string identifier(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 60)) {
    if (is_letter(c) || is_digit(c)) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty()) return "model";
  return is_digit(out.front()) || is_keyword(out) ? "model_" + out : out;
}

std::string upper(std::string_view identifier) {
  std::string out(identifier);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string plain_text(std::string_view name, size_t longest) {
  std::string out;
  for (const char c : name.substr(0, longest)) {
    const bool kept = is_letter(c) || is_digit(c) ||
                      std::string_view(" _.:;+-,[]()").find(c) != std::string_view::npos;
    out += kept ? c : '_';
  }
  return out;
}

std::string Names::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 2; !taken_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

}  // namespace pare::formats::c
