// SPDX-License-Identifier: Apache-2.0
// Convolutions and products compiled for avx512.
// clang-format off
#include "lib/runtime/kernels/own/vec_avx512.hpp"
#include "lib/runtime/kernels/own/dense/depthwise_real_body.hpp"
#include "lib/runtime/kernels/own/dense/linear_block_body.hpp"
#include "lib/runtime/kernels/own/dense/product_body.hpp"
#include "lib/runtime/kernels/own/dense/winograd_body.hpp"
// clang-format on

namespace pare::runtime::own {

const LinearKernels kLinearAvx512 = {Vec::kLanes,       Vec::kCodesPerUnit, Vec::kPixels[2],
                                     integer_block,     real_block,         integer_depthwise,
                                     real_depthwise,    real_product,       winograd_input,
                                     winograd_products, winograd_output};

}  // namespace pare::runtime::own
