// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for scalar.
#include "lib/runtime/kernels/own/grouped_body.hpp"

namespace pare::runtime::own {

const GroupedKernels kGroupedScalar = kGrouped;

}  // namespace pare::runtime::own
