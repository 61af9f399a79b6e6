// SPDX-License-Identifier: Apache-2.0
// Our own kernels: integer convolutions and products on every ISA (exact: no oneDNN version rounds
// the bias the way docs/integer-arithmetic.md does), packed low-bit and sparse weights, and
// vectorised loops for what lies between matrix products. Activations of rank 4 are channels last.
#pragma once

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::own {

// Conv on codes: any group, stride, dilation; not negative pads.
bool supports_integer_conv(const StepSpec& step);
Kernel make_integer_conv(const StepSpec& step);
// Gemm and MatMul on codes.
bool supports_integer_product(const StepSpec& step);
Kernel make_integer_product(const StepSpec& step);

}  // namespace pare::runtime::own
