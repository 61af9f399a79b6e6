// SPDX-License-Identifier: Apache-2.0
// Rewrites of a model that planning does before it chooses kernels. Each returns a model with the
// same outputs up to float rounding; values are renumbered but keep their names.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::runtime {

// As fold_batch_norm() of session.hpp, leaving the values named in `keep` as they are.
ir::Model fold_batch_norm(const ir::Model& model, const std::set<std::string>& keep);

// The outputs of `node`, whose inputs are all parameters, by the reference kernel. Shapes of
// `graph` must be inferred and known.
std::vector<ir::Tensor> evaluate(const ir::Model& model, const ir::Graph& graph,
                                 const ir::Node& node);

// Computes nodes whose inputs are all parameters (Constant included) and makes their outputs
// parameters. Nodes that make a graph output stay. Shapes of `graph` must be inferred and known.
void fold_constants(ir::Model& model, ir::Graph& graph);

}  // namespace pare::runtime
