// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx512_vnni.
// clang-format off
#include "lib/runtime/kernels/own/grouped/grouped_avx512_lanes.hpp"
#include "lib/runtime/kernels/own/grouped/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx512Vnni = kGrouped;

}  // namespace pare::runtime::own
