// SPDX-License-Identifier: Apache-2.0
#include "formats/c/kernel_text.hpp"

#include <algorithm>
#include <sstream>

#include "lib/core/error.hpp"

namespace pare::formats::c {

namespace {

constexpr std::string_view kNeeds = "// needs: ";
constexpr std::string_view kLicence = "// SPDX-License-Identifier";

void add_with_needs(const std::string& name, std::set<std::string>& out) {
  const auto texts = kernel_texts();
  const auto found = std::ranges::find(texts, name, &KernelText::name);
  if (found == texts.end()) throw Bug("no C kernel is called " + name);
  if (!out.insert(name).second) return;
  std::istringstream lines{std::string(found->text)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kNeeds)) continue;
    std::istringstream needed(line.substr(kNeeds.size()));
    for (std::string other; needed >> other;) add_with_needs(other, out);
  }
}

}  // namespace

std::string kernel_code(const std::set<std::string>& names) {
  std::set<std::string> all;
  for (const std::string& name : names) add_with_needs(name, all);
  std::string out;
  for (const KernelText& kernel : kernel_texts()) {
    if (!all.contains(std::string(kernel.name))) continue;
    std::istringstream lines{std::string(kernel.text)};
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(kLicence) && !line.starts_with(kNeeds)) out += line + "\n";
    }
    out += "\n";
  }
  return out;
}

}  // namespace pare::formats::c
