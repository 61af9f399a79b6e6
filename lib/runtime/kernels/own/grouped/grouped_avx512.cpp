// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx512.
// clang-format off
#include "lib/runtime/kernels/own/grouped/grouped_avx512_lanes.hpp"
#include "lib/runtime/kernels/own/grouped/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx512 = kGrouped;

}  // namespace pare::runtime::own
