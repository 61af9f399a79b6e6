// SPDX-License-Identifier: Apache-2.0
// One step of a plan as C: which kernel it calls with which constants. Emitters throw
// Error(step, ...) on what has no C kernel.
#pragma once

#include "formats/c/source.hpp"

namespace pare::formats::c {

// Writes the step's constants and calls into `source`, by a table of operators.
void emit(const Step& step, Source& source);

// Scratch of the step in elements of 4 bytes: the sums of one row of a convolution (i32 on codes),
// then one decoded row of a packed weight. 0: none.
int64_t row_scratch(const runtime::StepSpec& spec);
// Whether the step computes in floats with rounding or library functions, rather than on codes or
// by moving and comparing values: then another machine may differ in the last bits.
bool rounds(const runtime::StepSpec& spec);

void emit_integer_linear(const Step& step, Source& source);  // Conv, Gemm, MatMul on codes
void emit_float_linear(const Step& step, Source& source);
// Values of one row of the weight, when it stays packed; 0: it is written as floats.
int64_t packed_row(const runtime::StepSpec& spec);
// The record of a weight that stays as codes, rows being output channels.
std::string emit_packed_weight(const Step& step, Source& source);
void emit_binary(const Step& step, Source& source);  // Add, Sub, Mul, Div, PRelu
void emit_unary(const Step& step, Source& source);   // Relu, Clip, Sigmoid, ...
void emit_batch_norm(const Step& step, Source& source);
void emit_pool(const Step& step, Source& source);  // MaxPool, AveragePool
void emit_mean(const Step& step, Source& source);  // GlobalAveragePool, ReduceMean
void emit_softmax(const Step& step, Source& source);
void emit_transpose(const Step& step, Source& source);
void emit_slice(const Step& step, Source& source);
void emit_split(const Step& step, Source& source);
void emit_concat(const Step& step, Source& source);
void emit_pad(const Step& step, Source& source);
void emit_quantize(const Step& step, Source& source);
void emit_dequantize(const Step& step, Source& source);

// The shape of a Conv or pool as a `struct window`; returns its address.
std::string emit_window(const Step& step, Source& source);
// Two arrays of `dims` elements each, walked with their strides, as a `struct walk`: dimensions
// that lie behind one another in both are merged. Throws Error when more than four remain.
std::string emit_walk(const Step& step, Source& source, const ir::Dims& dims,
                      const std::vector<int64_t>& a, const std::vector<int64_t>& b);

}  // namespace pare::formats::c
