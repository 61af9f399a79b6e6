// SPDX-License-Identifier: Apache-2.0
// The equation of an Einsum: "bij,bjk->bik".
#pragma once

#include <string>
#include <vector>

#include "lib/ir/graph.hpp"

namespace pare::ir {

// One letter a dimension, no ellipses. Without an arrow the output has the letters that occur once,
// in alphabetical order.
struct Equation {
  std::vector<std::string> terms;
  std::string output;
};
Equation equation_of(const Node& node);

}  // namespace pare::ir
