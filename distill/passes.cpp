// SPDX-License-Identifier: Apache-2.0
// Registration table of this folder: one row a pass.
#include "distill/passes.hpp"

namespace pare::distill {

std::span<const pass::PassInfo> passes() {
  static const std::vector<pass::PassInfo> kPasses = {distill_pass()};
  return kPasses;
}

}  // namespace pare::distill
