// SPDX-License-Identifier: Apache-2.0
// Dense f32 convolutions by oneDNN, with bias, residual and clamp fused. Nothing of oneDNN is
// visible outside this folder.
#pragma once

#include <string>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::onednn {

// Version and the instruction set it uses: "2.6.3 (avx512_core_vnni)"; for `pare doctor`.
std::string description();

bool supports_conv(const StepSpec& step);
Kernel make_conv(const StepSpec& step);
// Gemm and MatMul with a constant 2-d right-hand side.

}  // namespace pare::runtime::onednn
