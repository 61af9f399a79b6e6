// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/make_syntax.hpp"

#include "lib/core/error.hpp"

namespace pare::cli {

std::string make_name(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '\n' || c == '\r') throw Error(path, "make cannot read a name with a line break");
    if (c == ' ' || c == '\t' || c == '#' || c == ':' || c == '%') out += '\\';
    if (c == '$') out += '$';
    out += c;
  }
  return out;
}

std::string make_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '$') out += '$';
    if (c == '#') out += '\\';
    out += c;
  }
  return out;
}

std::string depfile_text(const std::vector<std::string>& outputs,
                         const std::vector<std::string>& inputs) {
  std::string out;
  for (const std::string& path : outputs) out += (out.empty() ? "" : " ") + make_name(path);
  out += ":";
  for (const std::string& path : inputs) out += " \\\n  " + make_name(path);
  out += "\n";
  for (const std::string& path : inputs) out += make_name(path) + ":\n";
  return out;
}

}  // namespace pare::cli
