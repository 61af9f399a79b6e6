// SPDX-License-Identifier: Apache-2.0
// Integer loops compiled for avx512_vnni.
// clang-format off
#include "lib/runtime/kernels/own/vec_avx512.hpp"
#include "lib/runtime/kernels/own/integer_block_body.hpp"
// clang-format on

namespace pare::runtime::own {

const IntegerKernels kIntegerAvx512Vnni = {Vec::kLanes, Vec::kCodesPerStep, integer_block,
                                           depthwise_block};

}  // namespace pare::runtime::own
