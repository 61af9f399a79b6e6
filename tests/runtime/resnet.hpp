// SPDX-License-Identifier: Apache-2.0
// A residual network of the size people deploy, with random weights.
#pragma once

#include "tests/runtime/network.hpp"

namespace pare::test {

// ResNet8 for {1, size, size} items (He et al. 2015, three stages of one block): 8 weighted layers.
inline ir::Model resnet8(int64_t width, int64_t size, bool quantized, uint64_t seed = 1) {
  Network net({1, size, size}, quantized, seed);
  ir::ValueId x = net.same("Relu", {net.conv(net.input(), {.out = width}, false)});
  for (int64_t stage = 0; stage < 3; ++stage) {
    const int64_t out = width << stage;
    const int64_t stride = stage == 0 ? 1 : 2;
    const ir::ValueId inner =
        net.same("Relu", {net.conv(x, {.out = out, .stride = stride}, false)});
    const ir::ValueId outer = net.conv(inner, {.out = out}, false);
    ir::ValueId shortcut = x;
    if (stage > 0) {
      shortcut = net.conv(
          x, {.out = out, .kernel_h = 1, .kernel_w = 1, .stride = stride, .pads = {0, 0, 0, 0}});
    }
    // The Add is fused into the convolution that is made last, the shortcut's when there is one.
    const ir::ValueId sum = net.graph().add("Add", {outer, shortcut}, {}, net.name("add"));
    if (stage > 0) {
      net.graph().value(outer).quant = net.graph().value(shortcut).quant;
      net.graph().value(shortcut).quant.reset();
    }
    x = net.same_as("Relu", sum, outer);
  }
  const ir::ValueId pooled = net.reshaping("GlobalAveragePool", {x}, {width * 4, 1, 1}, {}, false);
  const ir::ValueId flat = net.reshaping("Flatten", {pooled}, {width * 4});
  return net.finish({net.gemm(flat, 10, false)});
}

}  // namespace pare::test
