// SPDX-License-Identifier: Apache-2.0
// Integer loops compiled for avx2.
// clang-format off
#include "lib/runtime/kernels/own/vec_avx2.hpp"
#include "lib/runtime/kernels/own/integer_block_body.hpp"
// clang-format on

namespace pare::runtime::own {

const IntegerKernels kIntegerAvx2 = {Vec::kLanes, Vec::kCodesPerStep, integer_block,
                                     depthwise_block};

}  // namespace pare::runtime::own
