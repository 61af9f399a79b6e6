// SPDX-License-Identifier: Apache-2.0
// The first and last layers of a network: those whose rounding nothing before or after evens out.
#pragma once

#include <set>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::quantize {

// Weights of the main graph that a graph input reaches, or that reach a graph output, without
// another weight between. Empty for a model without a graph.
std::set<std::string> edge_layers(const ir::Model& model);

}  // namespace pare::quantize
