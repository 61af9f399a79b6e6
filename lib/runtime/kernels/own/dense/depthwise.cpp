// SPDX-License-Identifier: Apache-2.0
// Convolutions with a filter a channel: lanes are channels, and a step multiplies one tap of each
// in f32, or as many neighbouring taps as a unit holds codes.
#include <algorithm>
#include <cstring>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/own/dense/linear_step.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

struct DepthwisePlan {
  LinearNumbers numbers;
  Conv2d g;
  std::vector<int64_t> offsets;
  int64_t taps = 1;  // a step
  PackedGroup packed;
  int64_t element = 4;  // bytes of an input
  int64_t output_bytes = 4;
  int residual_input = -1;
  int threads = 1;

  explicit DepthwisePlan(const StepSpec& step);
  int64_t pitch() const { return (g.width + g.pad_left + g.pad_right) * g.channels; }  // elements
  // The bordered image; the last step of a row may read a few taps and lanes beyond it, which meet
  // zero weights.
  int64_t image_bytes() const {
    const int64_t rows = g.height + g.pad_top + g.pad_bottom;
    const int64_t beyond = 4 * g.dilation_width * g.channels + 64;
    return round_up((rows * pitch() + beyond) * element, 64);
  }
  int64_t scratch_bytes() const {
    return image_bytes() * std::max<int64_t>(1, std::min<int64_t>(threads, g.batch));
  }
  void run(const RunArgs& args) const;

 private:
  void fill(std::byte* to, const std::byte* from) const;
  int64_t rows_together() const;
  void run_rows(const RunArgs& args, int64_t n, int64_t y, int64_t rows,
                const std::byte* image) const;
};

DepthwisePlan::DepthwisePlan(const StepSpec& step)
    : numbers(step),
      g(conv_geometry(step)),
      element(step.integer ? 1 : 4),
      output_bytes(step.output().quant ? 1 : 4),
      residual_input(residual_index(step)),
      threads(linear_threads(step, g.macs())) {
  // As few steps a row of the filter as can be, of equal size.
  const int64_t most = step.integer ? linear_kernels().codes_per_unit : 1;
  const int64_t row_steps = (g.kernel_width + most - 1) / most;
  taps = (g.kernel_width + row_steps - 1) / row_steps;
  const int64_t steps = g.kernel_height * row_steps;
  for (int64_t s = 0; s < steps; ++s) {
    offsets.push_back(s / row_steps * g.dilation_height * pitch() +
                      s % row_steps * taps * g.dilation_width * g.channels);
  }
  PackedGroup by_vector =
      pack_group(numbers, 0, g.channels, steps, [&](int64_t c, int64_t s, int64_t j) {
        const int64_t kx = s % row_steps * taps + j;
        if (j >= taps || kx >= g.kernel_width) return int64_t{-1};
        return c * g.taps() + s / row_steps * g.kernel_width + kx;
      });
  // [vector][step][lane] to [step][vector][lane]: a step is the same offset for all channels.
  packed = by_vector;
  const auto padded = static_cast<int64_t>(packed.bias.size());
  const int64_t lanes = linear_kernels().lanes;
  for (int64_t c = 0; c < padded; ++c) {
    for (int64_t s = 0; s < steps; ++s) {
      packed.weights[static_cast<size_t>(s * padded + c)] =
          by_vector.weights[static_cast<size_t>((c / lanes * steps + s) * lanes + c % lanes)];
    }
  }
}

void DepthwisePlan::fill(std::byte* to, const std::byte* from) const {
  const int zero = numbers.integer ? numbers.input_zero : 0;
  const auto border = [&](int64_t count) {
    std::memset(to, zero, static_cast<size_t>(count * element));
    to += count * element;
  };
  const int64_t row = g.width * g.channels;
  border(g.pad_top * pitch());
  for (int64_t y = 0; y < g.height; ++y) {
    border(g.pad_left * g.channels);
    std::memcpy(to, from, static_cast<size_t>(row * element));
    to += row * element;
    from += row * element;
    border(g.pad_right * g.channels);
  }
  border(g.pad_bottom * pitch());
}

// Rows of one call, which goes through them once for each vector of channels: what stays in the
// first cache meanwhile, so that short rows do not pay for the start of a call each.
int64_t DepthwisePlan::rows_together() const {
  constexpr int64_t kBytes = 16'384;
  return std::clamp<int64_t>(kBytes / (pitch() * element * g.stride_height), 1, g.out_height);
}

void DepthwisePlan::run(const RunArgs& args) const {
  const int row_threads = g.batch > 1 ? 1 : threads;
  const int64_t shared = (g.out_height + row_threads - 1) / row_threads;
  const int64_t together = std::min(rows_together(), shared);
  const int64_t blocks = (g.out_height + together - 1) / together;
  const int64_t item = g.channels * g.height * g.width * element;
  parallel_for_workers(g.batch, threads, [&](int64_t n, int worker) {
    std::byte* image = args.scratch + worker * image_bytes();
    fill(image, args.in<std::byte>(0) + n * item);
    parallel_for(blocks, row_threads, [&](int64_t block) {
      const int64_t y = block * together;
      run_rows(args, n, y, std::min(together, g.out_height - y), image);
    });
  });
}

void DepthwisePlan::run_rows(const RunArgs& args, int64_t n, int64_t y, int64_t rows,
                             const std::byte* image) const {
  const LinearKernels& kernels = linear_kernels();
  DepthwiseBlock b;
  set_output(b, numbers, packed);
  b.input = image + y * g.stride_height * pitch() * element;
  b.rows = rows;
  b.row_stride = g.stride_height * pitch();
  b.pixels = g.out_width;
  b.pixel_stride = g.stride_width * g.channels;
  b.step_offsets = offsets.data();
  b.steps = static_cast<int64_t>(offsets.size());
  b.taps = taps;
  b.tap_stride = g.dilation_width * g.channels;
  b.row_taps = g.kernel_width;
  b.weights = packed.weights.data();
  b.channels = g.channels;
  const int64_t to = (n * g.out_height + y) * g.out_width * g.channels;
  b.output = args.out<std::byte>() + to * output_bytes;
  if (residual_input >= 0) b.residual = args.in<std::byte>(residual_input) + to * element;
  (numbers.integer ? kernels.integer_depthwise : kernels.real_depthwise)(b);
}

}  // namespace

bool supports_depthwise(const StepSpec& step) {
  return supports_conv(step) && conv_geometry(step).depthwise();
}

Kernel make_depthwise(const StepSpec& step) {
  auto plan = std::make_shared<const DepthwisePlan>(step);
  Kernel kernel{.name = linear_kernel_name(step, "depthwise-conv"), .in_place = true};
  kernel.packed_bytes = static_cast<int64_t>(plan->packed.weights.size() * 4);
  kernel.scratch_bytes = plan->scratch_bytes();
  kernel.run = [plan = std::move(plan)](const RunArgs& args) { plan->run(args); };
  return kernel;
}

}  // namespace pare::runtime::own
