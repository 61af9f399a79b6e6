// SPDX-License-Identifier: Apache-2.0
// Convolutions in any number of dimensions, and their transposes, in f32.
#include <algorithm>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/window.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

Kernel make_conv_nd(const StepSpec& step) {
  const ir::Dims weight = step.input(1).dims;
  const WindowLoops loops = window_loops(step, ir::Dims(weight.begin() + 2, weight.end()));
  const int64_t channels = step.input(0).dims[1];
  const int64_t out_channels = weight[0];
  const int64_t each = weight[1];
  const int64_t group_out = out_channels / ir::attr_int(step.node, "group", 1);
  const int64_t count = step.output().count();
  const FloatSource x_source(step, 0), w_source(step, 1);
  const bool has_bias = step.has_input(2);
  const FloatSource bias = has_bias ? FloatSource(step, 2) : FloatSource();
  const int residual = step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1;
  const Clamp clamp = step.clamp;
  Kernel kernel{.name = "reference-conv-nd"};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t oc = i / loops.out_plane() % out_channels;
      const int64_t n = i / loops.out_plane() / out_channels;
      const int64_t first = n * channels + oc / group_out * each;
      const float* x = x_source.get(args) + first * loops.in_plane();
      const float* w = w_source.get(args) + oc * each * loops.taps();
      float sum = has_bias ? bias.get(args)[oc] : 0.0F;
      loops.for_each_tap(i % loops.out_plane(), [&](int64_t at, int64_t tap) {
        for (int64_t c = 0; c < each; ++c) {
          sum += x[c * loops.in_plane() + at] * w[c * loops.taps() + tap];
        }
      });
      if (residual >= 0) sum += args.in<float>(residual)[i];
      args.out<float>()[i] = sum < clamp.low ? clamp.low : sum > clamp.high ? clamp.high : sum;
    }
  };
  return kernel;
}

// Every input element adds its multiple of the kernel to the output.
Kernel make_conv_transpose(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const ir::Dims& weight = step.input(1).dims;
  const ir::Window window =
      ir::transposed_window_of(step.node, ir::Dims(dims.begin() + 2, dims.end()),
                               ir::Dims(weight.begin() + 2, weight.end()));
  const WindowLoops loops(window, dims);
  const int64_t channels = dims[1];
  const int64_t groups = ir::attr_int(step.node, "group", 1);
  const int64_t each = weight[1];
  const int64_t out_channels = each * groups;
  const int64_t planes = dims[0] * channels;
  const int64_t count = step.output().count();
  const FloatSource x_source(step, 0), w_source(step, 1);
  const bool has_bias = step.has_input(2);
  const FloatSource bias = has_bias ? FloatSource(step, 2) : FloatSource();
  Kernel kernel{.name = "reference-conv-transpose"};
  kernel.run = [=](const RunArgs& args) {
    float* out = args.out<float>();
    for (int64_t i = 0; i < count; ++i) {
      out[i] = has_bias ? bias.get(args)[i / loops.out_plane() % out_channels] : 0.0F;
    }
    for (int64_t plane = 0; plane < planes; ++plane) {
      const int64_t c = plane % channels;
      const int64_t first = plane / channels * out_channels + c / (channels / groups) * each;
      const float* x = x_source.get(args) + plane * loops.in_plane();
      const float* w = w_source.get(args) + c * each * loops.taps();
      for (int64_t i = 0; i < loops.in_plane(); ++i) {
        loops.for_each_target(i, [&](int64_t at, int64_t tap) {
          for (int64_t oc = 0; oc < each; ++oc) {
            out[(first + oc) * loops.out_plane() + at] += x[i] * w[oc * loops.taps() + tap];
          }
        });
      }
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
