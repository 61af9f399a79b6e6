// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for avx2.
#include "lib/runtime/kernels/own/grouped_body.hpp"

namespace pare::runtime::own {

const GroupedKernels kGroupedAvx2 = kGrouped;

}  // namespace pare::runtime::own
