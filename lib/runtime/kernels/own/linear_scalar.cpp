// SPDX-License-Identifier: Apache-2.0
// Convolutions and products compiled for any architecture.
// clang-format off
#include "lib/runtime/kernels/own/vec_scalar.hpp"
#include "lib/runtime/kernels/own/linear_block_body.hpp"
// clang-format on

namespace pare::runtime::own {

const LinearKernels kLinearScalar = kLinear;

}  // namespace pare::runtime::own
