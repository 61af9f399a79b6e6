// SPDX-License-Identifier: Apache-2.0
// Depthwise convolutions on codes: every channel has a filter of its own, so lanes are channels and
// a tap is one multiplication of a whole vector.
#include <memory>

#include "lib/runtime/kernels/own/integer_step.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

struct DepthwisePlan {
  PaddedImage image;
  const IntegerKernels* kernels;
  Requantize requantize;
  uint8_t input_zero;
  std::vector<int64_t> tap_offsets;
  std::vector<int16_t> weights;  // [tap][channels padded to lanes]
  std::vector<int32_t> bias;     // padded, like the multipliers
  int64_t output_bytes;          // an element
  int residual_input;

  void run(const RunArgs& args, int threads) const {
    const Conv2d& g = image.g;
    for_each_image(image, args, input_zero, threads,
                   [&](int64_t n, const std::byte* codes, int inner_threads) {
                     parallel_for(g.out_height, inner_threads,
                                  [&](int64_t y) { kernels->depthwise(row(args, n, y, codes)); });
                   });
  }

  DepthwiseBlock row(const RunArgs& args, int64_t n, int64_t y, const std::byte* codes) const {
    const Conv2d& g = image.g;
    DepthwiseBlock b;
    b.input = reinterpret_cast<const int16_t*>(codes) + y * g.stride_height * image.pitch();
    b.pixels = g.out_width;
    b.pixel_stride = g.stride_width * g.channels;
    b.tap_offsets = tap_offsets.data();
    b.taps = g.taps();
    b.weights = weights.data();
    b.channels = g.channels;
    b.bias = bias.data();
    b.multiplier = requantize.multiplier.data();
    set_epilogue(b, requantize);
    const int64_t to = (n * g.out_height + y) * g.out_width * g.channels;
    b.output = args.out<std::byte>() + to * output_bytes;
    if (residual_input >= 0) b.residual = args.in<uint8_t>(residual_input) + to;
    return b;
  }
};

DepthwisePlan plan_of(const StepSpec& step, const Conv2d& g) {
  IntegerLinear linear = integer_linear(step);
  const IntegerKernels& kernels = kernels_for(active_isa());
  const int64_t padded = round_up(g.channels, kernels.lanes);
  DepthwisePlan plan{.image = PaddedImage(g, 2),
                     .kernels = &kernels,
                     .requantize = std::move(linear.requantize),
                     .input_zero = static_cast<uint8_t>(linear.input_zero),
                     .bias = linear.bias,
                     .output_bytes = step.output().quant ? 1 : 4,
                     .residual_input = residual_index(step)};
  plan.weights.assign(static_cast<size_t>(g.taps() * padded), 0);
  for (int64_t tap = 0; tap < g.taps(); ++tap) {
    const int64_t ky = tap / g.kernel_width;
    const int64_t kx = tap % g.kernel_width;
    plan.tap_offsets.push_back(ky * g.dilation_height * plan.image.pitch() +
                               kx * g.dilation_width * g.channels);
  }
  for (int64_t c = 0; c < g.channels; ++c) {
    int64_t sum = 0;
    for (int64_t tap = 0; tap < g.taps(); ++tap) {
      const int8_t code = linear.weight[static_cast<size_t>(c * g.taps() + tap)];
      plan.weights[static_cast<size_t>(tap * padded + c)] = code;
      sum += code;
    }
    int32_t& bias = plan.bias[static_cast<size_t>(c)];
    bias = corrected_bias(bias, linear.input_zero, sum);
  }
  plan.bias.resize(static_cast<size_t>(padded), 0);
  plan.requantize.multiplier.resize(static_cast<size_t>(padded), 0.0F);
  return plan;
}

}  // namespace

bool supports_integer_depthwise(const StepSpec& step) {
  if (!step.integer || step.input(0).dims.size() != 4) return false;
  const Conv2d g = conv_geometry(step);
  return g.depthwise() && pads_are_sane(g);
}

Kernel make_integer_depthwise(const StepSpec& step) {
  const Conv2d g = conv_geometry(step);
  const auto plan = std::make_shared<const DepthwisePlan>(plan_of(step, g));
  const int threads = threads_for(step, g.macs());
  Kernel kernel{.name = kernel_name("depthwise-conv")};
  kernel.packed_bytes = static_cast<int64_t>(plan->weights.size() * 2 + plan->bias.size() * 8);
  kernel.scratch_bytes = image_scratch(plan->image, threads);
  kernel.run = [plan, threads](const RunArgs& args) { plan->run(args, threads); };
  return kernel;
}

}  // namespace pare::runtime::own
