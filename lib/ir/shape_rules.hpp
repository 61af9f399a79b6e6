// SPDX-License-Identifier: Apache-2.0
// Shape rules of the operators, by concept; the table in ops.cpp names one for each. Each takes the
// shapes of a node's inputs and returns those of its outputs, or throws Error(node.name, ...).
#pragma once

#include "lib/ir/ops.hpp"

namespace pare::ir::rules {

using Shapes = std::vector<Shape>;

// shape_rules_math.cpp
Shapes same(const ShapeContext& c);         // output is shaped like input 0
Shapes elementwise(const ShapeContext& c);  // broadcast of all inputs, which have one dtype
Shapes power(const ShapeContext& c);        // likewise, the exponent's dtype is its own
Shapes where(const ShapeContext& c);
Shapes slope(const ShapeContext& c);  // PRelu: the slope broadcasts to the input
Shapes clip(const ShapeContext& c);
Shapes along_axis(const ShapeContext& c);  // as `same`, with a valid `axis`
Shapes gemm(const ShapeContext& c);
Shapes matmul(const ShapeContext& c);
Shapes einsum(const ShapeContext& c);

// shape_rules_reduce.cpp
Shapes reduce(const ShapeContext& c);
Shapes arg_reduce(const ShapeContext& c);  // ArgMax, ArgMin
Shapes cumulate(const ShapeContext& c);    // CumSum, CumProd
Shapes top_k(const ShapeContext& c);

// shape_rules_window.cpp
Shapes conv(const ShapeContext& c);
Shapes conv_transpose(const ShapeContext& c);
Shapes pool(const ShapeContext& c);
Shapes global_pool(const ShapeContext& c);

// shape_rules_resize.cpp
Shapes resize(const ShapeContext& c);

// shape_rules_layout.cpp
Shapes flatten(const ShapeContext& c);
Shapes reshape(const ShapeContext& c);
Shapes transpose(const ShapeContext& c);
Shapes concat(const ShapeContext& c);
Shapes squeeze(const ShapeContext& c);
Shapes unsqueeze(const ShapeContext& c);

// shape_rules_repeat.cpp
Shapes expand(const ShapeContext& c);
Shapes tile(const ShapeContext& c);
Shapes split(const ShapeContext& c);
Shapes depth_to_space(const ShapeContext& c);
Shapes space_to_depth(const ShapeContext& c);

// shape_rules_index.cpp
Shapes slice(const ShapeContext& c);
Shapes pad(const ShapeContext& c);
Shapes gather(const ShapeContext& c);
Shapes gather_elements(const ShapeContext& c);
Shapes gather_nd(const ShapeContext& c);
Shapes scatter_elements(const ShapeContext& c);
Shapes scatter_nd(const ShapeContext& c);
Shapes compress(const ShapeContext& c);
Shapes reverse_sequence(const ShapeContext& c);
Shapes trilu(const ShapeContext& c);

// shape_rules_make.cpp: values made of other things than elements
Shapes constant(const ShapeContext& c);
Shapes constant_of_shape(const ShapeContext& c);
Shapes shape(const ShapeContext& c);
Shapes size(const ShapeContext& c);
Shapes range(const ShapeContext& c);
Shapes one_hot(const ShapeContext& c);
Shapes eye_like(const ShapeContext& c);
Shapes non_zero(const ShapeContext& c);

// shape_rules_network.cpp
Shapes batch_normalization(const ShapeContext& c);
Shapes layer_normalization(const ShapeContext& c);
Shapes at_least_2d(const ShapeContext& c);            // as `same`: LRN
Shapes normalised_axes(const ShapeContext& c);        // as `same`: MeanVarianceNormalization
Shapes channel_normalization(const ShapeContext& c);  // InstanceNormalization, GroupNormalization
Shapes recurrent(const ShapeContext& c);              // LSTM, GRU, RNN

inline int rank(const Shape& shape) { return static_cast<int>(shape.size()); }
// Refuses an input of fewer than `at_least` dimensions.
const Shape& input_of_rank(const ShapeContext& c, int input, int at_least);
// Values of a constant integer input; throws Error when it is not constant.
std::vector<int64_t> constant_ints(const ShapeContext& c, int input, const char* what);
// Sizes that input `input` holds, symbols allowed; throws Error when they are not known.
const SizeEntries& sizes_of(const ShapeContext& c, int input, const char* what);
// A dimension for an entry of a shape operand; throws Error when it is negative or too large.
Dim dim_of(const ShapeContext& c, const SizeEntry& entry);
inline bool has(const ShapeContext& c, size_t input) {
  return input < c.present.size() && c.present[input];
}

// shape_rules_attention.cpp
Shapes attention(const ShapeContext& c);
Shapes rotary_embedding(const ShapeContext& c);

// Element types of outputs; a row without one gives that of input 0.
namespace types {
DType boolean(const ShapeContext& c, size_t output);
DType i64(const ShapeContext& c, size_t output);
DType f32(const ShapeContext& c, size_t output);
DType stated(const ShapeContext& c, size_t output);  // attribute `to` or `dtype`, else of input 0
DType stated_or_f32(const ShapeContext& c, size_t output);
DType of_input_1(const ShapeContext& c, size_t output);  // Where
DType of_input_2(const ShapeContext& c, size_t output);  // OneHot
DType then_i64(const ShapeContext& c, size_t output);    // of input 0, then indices
DType then_bool(const ShapeContext& c, size_t output);   // of input 0, then a mask
DType of_constant(const ShapeContext& c, size_t output);
}  // namespace types

}  // namespace pare::ir::rules
