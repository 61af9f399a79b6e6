// SPDX-License-Identifier: Apache-2.0
// Flat loops compiled for scalar.
#include "lib/runtime/kernels/own/between/flat_loops_body.hpp"

namespace pare::runtime::own {

const FlatLoops kFlatScalar = kLoops;

}  // namespace pare::runtime::own
