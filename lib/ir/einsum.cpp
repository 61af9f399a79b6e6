// SPDX-License-Identifier: Apache-2.0
#include "lib/ir/einsum.hpp"

#include <algorithm>

namespace pare::ir {

Equation equation_of(const Node& node) {
  std::string text = attr_string(node, "equation", "");
  std::erase(text, ' ');
  Equation out;
  const size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  out.terms.emplace_back();
  for (const char letter : left) {
    if (letter == ',') {
      out.terms.emplace_back();
    } else {
      out.terms.back() += letter;
    }
  }
  if (arrow != std::string::npos) {
    out.output = text.substr(arrow + 2);
    return out;
  }
  for (char letter = 'A'; letter <= 'z'; ++letter) {
    if (std::ranges::count(left, letter) == 1) out.output += letter;
  }
  return out;
}

}  // namespace pare::ir
