// SPDX-License-Identifier: Apache-2.0
// Shape rules of the operators, by concept; the table in ops.cpp names one for each. Each takes the
// shapes of a node's inputs and returns those of its outputs, or throws Error(node.name, ...).
#pragma once

#include "lib/ir/ops.hpp"

namespace pare::ir::rules {

using Shapes = std::vector<Shape>;

// shape_rules_math.cpp
Shapes same(const ShapeContext& c);         // output is shaped like input 0
Shapes elementwise(const ShapeContext& c);  // broadcast of all inputs
Shapes clip(const ShapeContext& c);
Shapes along_axis(const ShapeContext& c);  // as `same`, with a valid `axis`
Shapes batch_normalization(const ShapeContext& c);
Shapes gemm(const ShapeContext& c);
Shapes matmul(const ShapeContext& c);
Shapes reduce(const ShapeContext& c);

// shape_rules_window.cpp
Shapes conv(const ShapeContext& c);
Shapes pool(const ShapeContext& c);
Shapes global_pool(const ShapeContext& c);

// shape_rules_layout.cpp
Shapes flatten(const ShapeContext& c);
Shapes reshape(const ShapeContext& c);
Shapes transpose(const ShapeContext& c);
Shapes concat(const ShapeContext& c);
Shapes squeeze(const ShapeContext& c);
Shapes unsqueeze(const ShapeContext& c);

// shape_rules_index.cpp
Shapes slice(const ShapeContext& c);
Shapes pad(const ShapeContext& c);
Shapes gather(const ShapeContext& c);
Shapes constant(const ShapeContext& c);

inline int rank(const Shape& shape) { return static_cast<int>(shape.size()); }
// Refuses an input of fewer than `at_least` dimensions.
const Shape& input_of_rank(const ShapeContext& c, int input, int at_least);
// Values of a constant integer input; throws Error when it is not constant.
std::vector<int64_t> constant_ints(const ShapeContext& c, int input, const char* what);
inline bool has(const ShapeContext& c, size_t input) {
  return input < c.present.size() && c.present[input];
}

}  // namespace pare::ir::rules
