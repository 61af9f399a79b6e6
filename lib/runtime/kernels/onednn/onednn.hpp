// SPDX-License-Identifier: Apache-2.0
// Dense f32 convolutions and matrix products by oneDNN, with bias, residual and clamp fused.
// Nothing of oneDNN is visible outside this folder. Products use its matmul primitive:
// inner_product's sums depend on the number of threads.
#pragma once

#include <string>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::onednn {

// Version and the instruction set it uses: "2.6.3 (avx512_core_vnni)"; for `pare doctor`.
std::string description();

bool supports_conv(const StepSpec& step);
Kernel make_conv(const StepSpec& step);
// Gemm and MatMul with a constant 2-d right-hand side.
bool supports_product(const StepSpec& step);
Kernel make_product(const StepSpec& step);

}  // namespace pare::runtime::onednn
