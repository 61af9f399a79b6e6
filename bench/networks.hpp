// SPDX-License-Identifier: Apache-2.0
// The networks that the benches time. Weights are drawn, not trained: time does not depend on them.
#pragma once

#include <span>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::bench {

struct Network {
  std::string name;
  std::string architecture;  // of --arch
  ir::Dims item;
  bool convolutional = true;
};

// An MLP 784-768-768-10, a CNN of three convolutions (97,000 parameters), ResNet-20, the ResNet8 of
// MLPerf Tiny and a depthwise separable net (keyword spotting, MLPerf Tiny).
std::span<const Network> networks();

ir::Model float_model(const Network& network);
// w8a8, calibrated on noise; residuals split, so that every runtime has a step for them.
ir::Model int8_model(const ir::Model& model, const Network& network);

}  // namespace pare::bench
