// SPDX-License-Identifier: Apache-2.0
// Plain loops over row-major buffers, one kernel an operator: slow, obviously right, and what every
// other kernel is tested against. Float and integer arithmetic both.
#pragma once

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::reference {

Kernel make_conv(const StepSpec& step);
Kernel make_matrix_product(const StepSpec& step);  // Gemm, MatMul

Kernel make_binary(const StepSpec& step);  // Add, Sub, Mul, Div with broadcasting
Kernel make_unary(const StepSpec& step);   // Relu, Sigmoid, ...; a table of 256 codes on integers
Kernel make_clip(const StepSpec& step);
Kernel make_batch_norm(const StepSpec& step);

Kernel make_max_pool(const StepSpec& step);
Kernel make_average_pool(const StepSpec& step);
Kernel make_global_average_pool(const StepSpec& step);
Kernel make_reduce_mean(const StepSpec& step);
Kernel make_softmax(const StepSpec& step);  // Softmax, LogSoftmax

Kernel make_copy(const StepSpec& step);  // Identity, Reshape, Flatten, Squeeze, Unsqueeze
Kernel make_transpose(const StepSpec& step);
Kernel make_concat(const StepSpec& step);
Kernel make_slice(const StepSpec& step);
Kernel make_pad(const StepSpec& step);
Kernel make_gather(const StepSpec& step);

// Steps that planning inserts, not ONNX operators.
Kernel make_quantize(const StepSpec& step);    // f32 -> u8 codes, same layout
Kernel make_dequantize(const StepSpec& step);  // codes or integers -> f32, same layout
Kernel make_reorder(const StepSpec& step);     // between kPlain and kNhwc

}  // namespace pare::runtime::reference
