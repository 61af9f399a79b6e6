// SPDX-License-Identifier: Apache-2.0
// Plain loops over row-major buffers, one kernel an operator: slow, obviously right, and what every
// other kernel is tested against. Float and integer arithmetic both.
#pragma once

#include "lib/runtime/kernels/kernels.hpp"

namespace pare::runtime::reference {

std::span<const KernelRow> rows();

// linear.cpp
Kernel make_conv(const StepSpec& step);
Kernel make_matrix_product(const StepSpec& step);  // Gemm, MatMul

// convolve.cpp
Kernel make_conv_nd(const StepSpec& step);  // Conv in three and more dimensions
Kernel make_conv_transpose(const StepSpec& step);

// binary.cpp: operands broadcast
Kernel make_binary(const StepSpec& step);  // Add, Sub, Mul, Div, Mod, PRelu, bitwise
Kernel make_power(const StepSpec& step);
Kernel make_variadic(const StepSpec& step);  // Min, Max, Sum, Mean
Kernel make_bit_shift(const StepSpec& step);
Kernel make_comparison(const StepSpec& step);
Kernel make_logic(const StepSpec& step);  // And, Or, Xor
Kernel make_where(const StepSpec& step);

// elementwise.cpp
Kernel make_unary(const StepSpec& step);  // Relu, Sigmoid, ...; a table of 256 codes on integers
Kernel make_clip(const StepSpec& step);
Kernel make_not(const StepSpec& step);
Kernel make_is_nan(const StepSpec& step);
Kernel make_is_inf(const StepSpec& step);
Kernel make_batch_norm(const StepSpec& step);

// pool.cpp
Kernel make_max_pool(const StepSpec& step);
Kernel make_average_pool(const StepSpec& step);
Kernel make_global_average_pool(const StepSpec& step);
Kernel make_reduce_mean(const StepSpec& step);
Kernel make_lp_pool(const StepSpec& step);
Kernel make_softmax(const StepSpec& step);  // Softmax, LogSoftmax

// reduce.cpp
Kernel make_reduce(const StepSpec& step);  // ReduceSum and its kin
Kernel make_global_max_pool(const StepSpec& step);
Kernel make_arg_reduce(const StepSpec& step);
Kernel make_top_k(const StepSpec& step);
Kernel make_hardmax(const StepSpec& step);
Kernel make_cumulate(const StepSpec& step);  // CumSum, CumProd

// normalise.cpp
Kernel make_layer_norm(const StepSpec& step);    // LayerNormalization, RMSNormalization
Kernel make_channel_norm(const StepSpec& step);  // InstanceNormalization, GroupNormalization
Kernel make_lrn(const StepSpec& step);
Kernel make_lp_norm(const StepSpec& step);
Kernel make_mean_variance_norm(const StepSpec& step);

// recurrent.cpp, resize.cpp, einsum.cpp, attention.cpp
Kernel make_attention(const StepSpec& step);
Kernel make_rotary_embedding(const StepSpec& step);
Kernel make_recurrent(const StepSpec& step);  // LSTM, GRU, RNN
Kernel make_resize(const StepSpec& step);
Kernel make_einsum(const StepSpec& step);

// movement.cpp
Kernel make_copy(const StepSpec& step);  // Identity, Reshape, Flatten, Squeeze, Unsqueeze
Kernel make_transpose(const StepSpec& step);
Kernel make_concat(const StepSpec& step);
Kernel make_slice(const StepSpec& step);
Kernel make_pad(const StepSpec& step);
Kernel make_gather(const StepSpec& step);

// index.cpp
Kernel make_gather_elements(const StepSpec& step);
Kernel make_gather_nd(const StepSpec& step);
Kernel make_scatter_elements(const StepSpec& step);
Kernel make_scatter_nd(const StepSpec& step);
Kernel make_compress(const StepSpec& step);
Kernel make_reverse_sequence(const StepSpec& step);
Kernel make_trilu(const StepSpec& step);
Kernel make_one_hot(const StepSpec& step);
Kernel make_eye_like(const StepSpec& step);
Kernel make_non_zero(const StepSpec& step);

// repeat.cpp
Kernel make_expand(const StepSpec& step);
Kernel make_tile(const StepSpec& step);
Kernel make_split(const StepSpec& step);
Kernel make_depth_to_space(const StepSpec& step);
Kernel make_space_to_depth(const StepSpec& step);

// make.cpp
Kernel make_cast(const StepSpec& step);
Kernel make_shape(const StepSpec& step);
Kernel make_size(const StepSpec& step);
Kernel make_range(const StepSpec& step);
Kernel make_constant(const StepSpec& step);
Kernel make_constant_of_shape(const StepSpec& step);

// Steps that planning inserts, not ONNX operators.
Kernel make_quantize(const StepSpec& step);    // f32 -> u8 codes, same layout
Kernel make_dequantize(const StepSpec& step);  // codes or integers -> f32, same layout
Kernel make_reorder(const StepSpec& step);     // between kPlain and kNhwc

}  // namespace pare::runtime::reference
