// SPDX-License-Identifier: Apache-2.0
// Flat loops compiled for avx512.
#include "lib/runtime/kernels/own/between/flat_loops_body.hpp"

namespace pare::runtime::own {

const FlatLoops kFlatAvx512 = kLoops;

}  // namespace pare::runtime::own
