// SPDX-License-Identifier: Apache-2.0
// Registration table of this folder: one row a pass.
#include "quantize/passes.hpp"

#include <vector>

#include "quantize/post_training.hpp"

namespace pare::quantize {

std::span<const pass::PassInfo> passes() {
  static const std::vector<pass::PassInfo> kPasses = {post_training_pass()};
  return kPasses;
}

}  // namespace pare::quantize
