// SPDX-License-Identifier: Apache-2.0
// The networks that the benches time. Weights are drawn, not trained: time does not depend on them.
#pragma once

#include <span>
#include <string>

#include "lib/core/json.hpp"
#include "lib/ir/model.hpp"

namespace pare::bench {

struct Network {
  std::string name;
  std::string architecture;  // of --arch
  ir::Dims item;
  int64_t classes = 10;
};

// An MLP 784-768-768-10, a CNN of three convolutions (97,000 parameters), ResNet-20, the ResNet8 of
// MLPerf Tiny and a depthwise separable net (keyword spotting, MLPerf Tiny).
std::span<const Network> networks();

ir::Model float_model(const Network& network);
// Calibrated on noise. w8a8: residuals split, so that every runtime has a step for them.
ir::Model quantized_model(const ir::Model& model, const Network& network,
                          const std::string& scheme);
// In one shot, by options of the prune pass.
ir::Model pruned_model(const ir::Model& model, const Json& options);

}  // namespace pare::bench
