// SPDX-License-Identifier: Apache-2.0
// Our own kernels: convolutions and products on every ISA (integers exact: no oneDNN version rounds
// the bias the way docs/integer-arithmetic.md does), packed low-bit and sparse weights, and
// vectorised loops for what lies between matrix products. Activations of rank 4 are channels last.
#pragma once

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::own {

// Conv, on codes or in f32: any group, stride, dilation; not negative pads.
bool supports_conv(const StepSpec& step);
Kernel make_conv(const StepSpec& step);
bool supports_image_conv(const StepSpec& step);         // in f32, of an image of up to 4 channels
bool supports_strided_pointwise(const StepSpec& step);  // in f32, of size 1, read in place
// Conv of size 3 at stride 1 in f32, in fewer multiplications.
bool supports_winograd(const StepSpec& step);
Kernel make_winograd(const StepSpec& step);
// Conv with one filter a channel.
bool supports_depthwise(const StepSpec& step);
Kernel make_depthwise(const StepSpec& step);
// Gemm and MatMul with constant weights, on codes or in f32.
bool supports_product(const StepSpec& step);
Kernel make_product(const StepSpec& step);
// Likewise in f32 and of several rows.
bool supports_row_product(const StepSpec& step);
Kernel make_row_product(const StepSpec& step);

// Gemm on codes with 4-bit weights that have a scale a group (w4a8), decoded on the fly.
bool supports_group_product(const StepSpec& step);
Kernel make_group_product(const StepSpec& step);

// Gemm in f32 with 4-bit or 8-bit weights decoded on the fly; few rows only.
bool supports_packed_product(const StepSpec& step);
Kernel make_packed_product(const StepSpec& step);

// Gemm in f32 with weights that stay sparse in memory; few rows, large and sparse enough to win.
bool supports_sparse_product(const StepSpec& step);
Kernel make_sparse_product(const StepSpec& step);

// Elementwise on operands of equal dims, any layout. Clamp: Relu, Clip.
bool supports_flat_binary(const StepSpec& step);
Kernel make_flat_binary(const StepSpec& step);
bool supports_flat_clamp(const StepSpec& step);
Kernel make_flat_clamp(const StepSpec& step);
bool supports_flat_quantize(const StepSpec& step);
Kernel make_quantize(const StepSpec& step);
bool supports_flat_dequantize(const StepSpec& step);
Kernel make_dequantize(const StepSpec& step);

// Slice, Pad with a constant, Concat of one scale: in the layout of input 0.
bool supports_slice(const StepSpec& step);
Kernel make_slice(const StepSpec& step);
bool supports_constant_pad(const StepSpec& step);
Kernel make_constant_pad(const StepSpec& step);
bool supports_concat(const StepSpec& step);
Kernel make_concat(const StepSpec& step);

// Between row-major and channels-last, elements of 8 or 32 bits.
bool supports_reorder(const StepSpec& step);
Kernel make_reorder(const StepSpec& step);

// BatchNormalization that could not be folded, channels last.
bool supports_image_batch_norm(const StepSpec& step);
Kernel make_batch_norm(const StepSpec& step);
// Poolings of channels-last images.
bool supports_image_pool(const StepSpec& step);
Kernel make_max_pool(const StepSpec& step);
Kernel make_average_pool(const StepSpec& step);
bool supports_image(const StepSpec& step);
Kernel make_global_average_pool(const StepSpec& step);

}  // namespace pare::runtime::own
