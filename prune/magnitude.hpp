// SPDX-License-Identifier: Apache-2.0
// `pare prune`: magnitude pruning of Conv, Gemm and MatMul weights, one-shot or gradual with
// recovery training (Zhu and Gupta 2017). Every such weight is pruned, first and last layer
// included, unless
// --exclude names it; biases and normalization parameters never are.
#pragma once

#include "lib/pass/pass.hpp"

namespace pare::prune {

pass::PassInfo magnitude_pass();

}  // namespace pare::prune
