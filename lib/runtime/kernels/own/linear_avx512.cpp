// SPDX-License-Identifier: Apache-2.0
// Convolutions and products compiled for avx512.
// clang-format off
#include "lib/runtime/kernels/own/vec_avx512.hpp"
#include "lib/runtime/kernels/own/linear_block_body.hpp"
// clang-format on

namespace pare::runtime::own {

const LinearKernels kLinearAvx512 = kLinear;

}  // namespace pare::runtime::own
