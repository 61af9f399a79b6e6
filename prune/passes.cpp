// SPDX-License-Identifier: Apache-2.0
// Registration table of this folder: one row a pass.
#include "prune/passes.hpp"

#include <vector>

#include "prune/magnitude.hpp"

namespace pare::prune {

std::span<const pass::PassInfo> passes() {
  static const std::vector<pass::PassInfo> kPasses = {magnitude_pass()};
  return kPasses;
}

}  // namespace pare::prune
