// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx512.
#include "lib/runtime/kernels/own/grouped_body.hpp"

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx512 = kGrouped;

}  // namespace pare::runtime::own
