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

// Infers shapes and computes nodes whose inputs are all parameters (Constant included), or whose
// output is made of dimensions: their outputs become parameters. Input shapes must be known.
void fold_constants(ir::Model& model, ir::Graph& graph);

// For readers of formats whose graphs compute shapes (ONNX, TorchScript): walks the nodes once in
// order, infers shapes and dtypes, and
// - replaces by a parameter whatever follows from constants and known dimensions (Shape, Gather,
//   Concat, Cast, Where, Range, ConstantOfShape, ...), unless it is far larger than its inputs;
// - gives a Reshape whose target is made of symbolic dimensions a constant one, with 0 for a
//   dimension that is copied and -1 for one that follows (x.view(x.size(0), -1));
// - lets users of an Identity of a parameter use the parameter;
// - drops nodes that no output needs, and parameters that nothing uses any more.
// `graph` may be one of model.graphs. Throws Error(node.name) as infer_shapes does.
void fold_shape_arithmetic(ir::Model& model, ir::Graph& graph);

}  // namespace pare::runtime
