// SPDX-License-Identifier: Apache-2.0
// Turning a graph input into a constant: for inputs whose contents decide a shape or a branch, and
// for whatever a deployment fixes (`convert --bind`).
#pragma once

#include "lib/ir/model.hpp"

namespace pare::ir {

// The graph's input `name` becomes a parameter holding `tensor` and is no input any more. Throws
// Error(name) when there is no such input, or dtype or dims do not fit it (a symbolic dimension
// fits any size). Shapes of values after it have to be inferred again.
void bind_input(Model& model, Graph& graph, const std::string& name, Tensor tensor);

// As above, `values` converted to the input's dtype and shape; one value fills a shape of known
// dimensions, and a lone symbolic dimension takes what is left. Throws Error(name) also for values
// that the dtype cannot hold.
void bind_input(Model& model, Graph& graph, const std::string& name,
                std::span<const double> values);

}  // namespace pare::ir
