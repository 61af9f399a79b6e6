// SPDX-License-Identifier: Apache-2.0
// Integer Conv, Gemm and MatMul: packs weights for the active ISA and cuts a step into rows of
// pixels. A convolution reads a copy of its image with the padding filled in (by the zero point,
// whose contribution the corrected bias cancels exactly), so the inner loops have no borders.
#include <algorithm>
#include <cstring>
#include <memory>

#include "lib/core/error.hpp"
#include "lib/runtime/kernels/own/integer_step.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

// Per-channel numbers padded to whole vectors.
struct Channels {
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
};

// Everything a step keeps: one set of packed weights and channel numbers a group.
struct PackedLinear {
  const IntegerKernels* kernels = nullptr;
  Requantize requantize;
  uint8_t input_zero = 0;
  std::vector<int64_t> run_offsets;
  int64_t run_steps = 0;
  int64_t vectors = 0;   // a group
  int64_t channels = 0;  // a group
  std::vector<std::vector<std::byte>> weights;
  std::vector<Channels> groups;

  int64_t bytes() const {
    int64_t total = 0;
    for (const auto& group : weights) total += static_cast<int64_t>(group.size());
    for (const Channels& group : groups) total += static_cast<int64_t>(group.bias.size()) * 8;
    return total;
  }
  IntegerBlock block(int64_t group) const {
    const Channels& numbers = groups[static_cast<size_t>(group)];
    IntegerBlock b;
    b.run_offsets = run_offsets.data();
    b.run_count = static_cast<int64_t>(run_offsets.size());
    b.run_steps = run_steps;
    b.weights = weights[static_cast<size_t>(group)].data();
    b.vectors = vectors;
    b.channels = channels;
    b.bias = numbers.bias.data();
    b.multiplier = numbers.multiplier.data();
    set_epilogue(b, requantize);
    return b;
  }
};

void store_code(std::vector<std::byte>& packed, int64_t index, int8_t code, bool narrow) {
  if (narrow) {
    packed[static_cast<size_t>(index)] = static_cast<std::byte>(code);
  } else {
    const int16_t wide = code;
    std::memcpy(packed.data() + index * 2, &wide, sizeof wide);
  }
}

// Packs one group. weight(channel, run, j) is the code at position j of a run.
template <class Weight>
void pack_group(PackedLinear& out, const IntegerLinear& linear, int64_t first_channel,
                int64_t run_length, const Weight& weight) {
  const int64_t lanes = out.kernels->lanes;
  const int64_t per_step = out.kernels->codes_per_step;
  const auto runs = static_cast<int64_t>(out.run_offsets.size());
  std::vector<std::byte> packed(
      static_cast<size_t>(out.vectors * runs * out.run_steps * lanes * 4));
  Channels numbers;
  numbers.bias.assign(static_cast<size_t>(out.vectors * lanes), 0);
  numbers.multiplier.assign(static_cast<size_t>(out.vectors * lanes), 0.0F);
  for (int64_t c = 0; c < out.channels; ++c) {
    int64_t sum = 0;
    for (int64_t run = 0; run < runs; ++run) {
      for (int64_t j = 0; j < run_length; ++j) {
        const int8_t code = weight(c, run, j);
        sum += code;
        const int64_t step = (c / lanes * runs + run) * out.run_steps + j / per_step;
        store_code(packed, (step * lanes + c % lanes) * per_step + j % per_step, code,
                   per_step == 4);
      }
    }
    const auto channel = static_cast<size_t>(first_channel + c);
    numbers.bias[static_cast<size_t>(c)] =
        corrected_bias(linear.bias[channel], linear.input_zero, sum);
    numbers.multiplier[static_cast<size_t>(c)] = linear.requantize.multiplier[channel];
  }
  out.weights.push_back(std::move(packed));
  out.groups.push_back(std::move(numbers));
}

PackedLinear packed_shell(const IntegerLinear& linear, int64_t channels, int64_t run_length) {
  PackedLinear out;
  out.kernels = &kernels_for(active_isa());
  out.requantize = linear.requantize;
  out.input_zero = static_cast<uint8_t>(linear.input_zero);
  out.channels = channels;
  out.vectors = round_up(channels, out.kernels->lanes) / out.kernels->lanes;
  out.run_steps = round_up(run_length, out.kernels->codes_per_step) / out.kernels->codes_per_step;
  return out;
}

// Rows times groups of four vectors, spread over threads.
template <class Body>
void for_row_grid(int64_t rows, int64_t vectors, int threads, const Body& body) {
  const int64_t columns = (vectors + 3) / 4;
  parallel_for(rows * columns, threads, [&](int64_t i) {
    const int64_t first = i / rows * 4;  // rows vary fastest: the weights stay in cache
    body(i % rows, first, std::min<int64_t>(4, vectors - first));
  });
}

// Restricts a block to `count` vectors of channels from `first` on.
void narrow_to(IntegerBlock& b, const IntegerKernels& kernels, int64_t first, int64_t count,
               int64_t output_bytes) {
  const int64_t channel = first * kernels.lanes;
  b.weights = static_cast<const std::byte*>(b.weights) +
              first * b.run_count * b.run_steps * kernels.lanes * 4;
  b.bias += channel;
  b.multiplier += channel;
  b.output = static_cast<std::byte*>(b.output) + channel * output_bytes;
  if (b.residual != nullptr) b.residual += channel;
  b.channels -= channel;
  b.vectors = count;
}

PackedLinear pack_conv(const StepSpec& step, const Conv2d& g) {
  const IntegerLinear linear = integer_linear(step);
  // Neighbouring taps of a row are neighbours in memory too, unless groups or dilation part them.
  const bool whole_rows = g.groups == 1 && g.dilation_width == 1;
  const int64_t per_tap = g.group_channels();
  const int64_t run_length = whole_rows ? g.kernel_width * per_tap : per_tap;
  PackedLinear out = packed_shell(linear, g.group_out_channels(), run_length);
  const int64_t pitch = (g.width + g.pad_left + g.pad_right) * g.channels;
  for (int64_t ky = 0; ky < g.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < (whole_rows ? 1 : g.kernel_width); ++kx) {
      out.run_offsets.push_back(ky * g.dilation_height * pitch +
                                kx * g.dilation_width * g.channels);
    }
  }
  for (int64_t group = 0; group < g.groups; ++group) {
    const int64_t first = group * out.channels;
    pack_group(out, linear, first, run_length, [&](int64_t c, int64_t run, int64_t j) {
      const int64_t tap = run * run_length + j;  // [ky][kx][channel], however runs cut it
      const int64_t channel = tap % per_tap;
      const int64_t at = ((first + c) * per_tap + channel) * g.taps() + tap / per_tap;
      return linear.weight[static_cast<size_t>(at)];
    });
  }
  return out;
}

// A convolution ready to run: an image and a group at a time.
struct ConvPlan {
  Conv2d g;
  PaddedImage image;
  PackedLinear packed;
  int64_t output_bytes;  // an element
  int residual_input;

  void run(const RunArgs& args, int threads) const {
    for_each_image(image, args, packed.input_zero, threads,
                   [&](int64_t n, const std::byte* codes, int inner_threads) {
                     for (int64_t group = 0; group < g.groups; ++group) {
                       run_group(args, n, group, codes, inner_threads);
                     }
                   });
  }

  void run_group(const RunArgs& args, int64_t n, int64_t group, const std::byte* codes,
                 int threads) const {
    for_row_grid(
        g.out_height, packed.vectors, threads, [&](int64_t y, int64_t first, int64_t count) {
          IntegerBlock b = packed.block(group);
          b.pixels = g.out_width;
          b.pixel_stride = g.stride_width * g.channels;
          b.output_stride = g.out_channels;
          const int64_t from = y * g.stride_height * image.pitch() + group * g.group_channels();
          b.input = codes + from * image.code_bytes;
          const int64_t to = (n * g.out_height + y) * g.out_width * g.out_channels +
                             group * g.group_out_channels();
          b.output = args.out<std::byte>() + to * output_bytes;
          if (residual_input >= 0) b.residual = args.in<uint8_t>(residual_input) + to;
          narrow_to(b, *packed.kernels, first, count, output_bytes);
          packed.kernels->block(b);
        });
  }
};

}  // namespace

bool supports_integer_conv(const StepSpec& step) {
  return step.integer && step.input(0).dims.size() == 4 && pads_are_sane(conv_geometry(step));
}

Kernel make_integer_conv(const StepSpec& step) {
  const Conv2d g = conv_geometry(step);
  PackedLinear packed = pack_conv(step, g);
  const int64_t code_bytes = packed.kernels->codes_per_step == 4 ? 1 : 2;
  const auto plan =
      std::make_shared<const ConvPlan>(ConvPlan{g, PaddedImage(g, code_bytes), std::move(packed),
                                                step.output().quant ? 1 : 4, residual_index(step)});
  const int threads = threads_for(step, g.macs());
  Kernel kernel{.name = kernel_name("conv")};
  kernel.packed_bytes = plan->packed.bytes();
  kernel.scratch_bytes = image_scratch(plan->image, threads);
  kernel.run = [plan, threads](const RunArgs& args) { plan->run(args, threads); };
  return kernel;
}

bool supports_integer_product(const StepSpec& step) { return step.integer; }

Kernel make_integer_product(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const IntegerLinear linear = integer_linear(step);
  PackedLinear shell = packed_shell(linear, g.columns, g.depth);
  shell.run_offsets = {0};
  pack_group(shell, linear, 0, g.depth, [&](int64_t c, int64_t, int64_t j) {
    return linear.weight[static_cast<size_t>(g.transposed_b ? c * g.depth + j : j * g.columns + c)];
  });
  const auto packed = std::make_shared<const PackedLinear>(std::move(shell));
  const bool widen = packed->kernels->codes_per_step != 4;
  const int64_t output_bytes = step.output().quant ? 1 : 4;
  const int residual_input = residual_index(step);
  const int threads = threads_for(step, g.macs());
  Kernel kernel{.name = kernel_name("gemm")};
  kernel.packed_bytes = packed->bytes();
  kernel.scratch_bytes = widen ? g.rows * g.depth * 2 + kSlack : 0;
  kernel.run = [=](const RunArgs& args) {
    const void* input = args.in<uint8_t>(0);
    if (widen) {
      std::copy_n(args.in<uint8_t>(0), g.rows * g.depth, reinterpret_cast<int16_t*>(args.scratch));
      input = args.scratch;
    }
    for_row_grid(1, packed->vectors, threads, [&](int64_t, int64_t first, int64_t count) {
      IntegerBlock b = packed->block(0);
      b.input = input;
      b.pixels = g.rows;
      b.pixel_stride = g.depth;
      b.output_stride = g.columns;
      b.output = args.out<std::byte>();
      if (residual_input >= 0) b.residual = args.in<uint8_t>(residual_input);
      narrow_to(b, *packed->kernels, first, count, output_bytes);
      packed->kernels->block(b);
    });
  };
  return kernel;
}

}  // namespace pare::runtime::own
