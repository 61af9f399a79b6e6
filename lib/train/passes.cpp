// SPDX-License-Identifier: Apache-2.0
// Registration table of this folder: one row a pass.
#include "lib/train/passes.hpp"

namespace pare::train {

std::span<const pass::PassInfo> passes() {
  static const std::vector<pass::PassInfo> kPasses = {train_pass()};
  return kPasses;
}

}  // namespace pare::train
