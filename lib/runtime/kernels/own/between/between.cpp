// SPDX-License-Identifier: Apache-2.0
// What lies between matrix products, vectorised: elementwise operators on operands of equal dims,
// poolings and means over channels-last images, quantization and its inverse.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/averaging.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/between/flat_loops.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/scalar_functions.hpp"

namespace pare::runtime::own {

namespace {

const FlatLoops& loops() {
#if defined(__x86_64__)
  if (active_isa() >= Isa::kAvx512 && active_isa() != Isa::kNeon) return kFlatAvx512;
  if (active_isa() == Isa::kAvx2) return kFlatAvx2;
#endif
  return kFlatScalar;
}

std::string flat_name(const std::string& op, bool integer) {
  return op + (integer ? "-u8-" : "-f32-") + std::string(name_of(active_isa()));
}

// One channels-last image of a pooling: the window's taps that fall inside, and how many.
struct Span {
  int64_t first, taps;  // first tap's coordinate
};
Span inside(int64_t start, int64_t kernel, int64_t dilation, int64_t length) {
  const int64_t skip = start < 0 ? (-start + dilation - 1) / dilation : 0;
  int64_t end = kernel;
  while (end > skip && start + (end - 1) * dilation >= length) --end;
  return {start + skip * dilation, std::max<int64_t>(end - skip, 0)};
}

// Calls body(input offset, window, output offset, oy, ox) for each output pixel, or with `runs`
// once for neighbouring ones that see as much of the image.
template <class Body>
void for_each_pixel(const Conv2d& g, int threads, bool runs, const Body& body) {
  parallel_for(g.batch * g.out_height, threads, [&](int64_t row) {
    const int64_t n = row / g.out_height;
    const int64_t oy = row % g.out_height;
    const Span y =
        inside(oy * g.stride_height - g.pad_top, g.kernel_height, g.dilation_height, g.height);
    const auto across = [&](int64_t ox) {
      return inside(ox * g.stride_width - g.pad_left, g.kernel_width, g.dilation_width, g.width);
    };
    for (int64_t ox = 0; ox < g.out_width;) {
      const Span x = across(ox);
      PoolWindow window = {y.taps, x.taps, g.dilation_height * g.width * g.channels,
                           g.dilation_width * g.channels, g.channels};
      window.pixel_stride = g.stride_width * g.channels;
      while (runs && ox + window.pixels < g.out_width) {
        const Span next = across(ox + window.pixels);
        if (next.taps != x.taps || next.first != x.first + window.pixels * g.stride_width) break;
        ++window.pixels;
      }
      const int64_t from = ((n * g.height + y.first) * g.width + x.first) * g.channels;
      body(from, window, (row * g.out_width + ox) * g.channels, oy, ox);
      ox += window.pixels;
    }
  });
}

// Pooling costs little: other threads are worth waking only for large activations.
int threads_for(const StepSpec& step, int64_t work) { return work < 200'000 ? 1 : step.threads; }

template <class T>
Kernel max_pool(const StepSpec& step, void (*maximum)(const T*, T*, PoolWindow)) {
  const Conv2d g = pool_geometry(step);
  const int threads = threads_for(step, step.output().count() * g.taps());
  Kernel kernel{.name = flat_name("maxpool", step.integer)};
  kernel.run = [=](const RunArgs& args) {
    for_each_pixel(g, threads, true,
                   [&](int64_t from, PoolWindow window, int64_t to, int64_t, int64_t) {
                     maximum(args.in<T>(0) + from, args.out<T>() + to, window);
                   });
  };
  return kernel;
}

// Averages; the sums of one pixel's channels are kept in scratch, one set a row being computed.
template <class T>
Kernel average(const StepSpec& step, const Conv2d& g, const std::string& name,
               void (*total)(const T*, typename Averaging::Sum<T>*, PoolWindow)) {
  using Sum = typename Averaging::Sum<T>;
  const Averaging averaging(step);
  const bool count_pads = ir::attr_int(step.node, "count_include_pad", 0) != 0;
  Kernel kernel{.name = flat_name(name, step.integer)};
  kernel.scratch_bytes = g.channels * static_cast<int64_t>(sizeof(Sum));
  kernel.run = [=](const RunArgs& args) {
    auto* sums = reinterpret_cast<Sum*>(args.scratch);
    for_each_pixel(g, 1, false,
                   [&](int64_t from, PoolWindow w, int64_t to, int64_t oy, int64_t ox) {
                     std::fill_n(sums, g.channels, Sum{});
                     total(args.in<T>(0) + from, sums, w);
                     const int64_t taps = w.taps_y * w.taps_x;
                     const int64_t count = count_pads ? padded_window_size(g, oy, ox) : taps;
                     for (int64_t c = 0; c < g.channels; ++c) {
                       const Sum sum = averaging.without_zero<T>(sums[c], taps);
                       args.out<T>()[to + c] = averaging.result<T>(sum, count);
                     }
                   });
  };
  return kernel;
}

Kernel average_of(const StepSpec& step, const Conv2d& g, const std::string& name) {
  if (step.integer) return average<uint8_t>(step, g, name, loops().sum_u8);
  return average<float>(step, g, name, loops().sum_f32);
}

bool is_image(const StepSpec& step) {
  return step.input(0).dims.size() == 4 && !step.input(0).constant;
}

}  // namespace

bool supports_image_pool(const StepSpec& step) {
  if (!is_image(step)) return false;
  const Conv2d g = pool_geometry(step);
  // Every window has to touch the image: with padding of a whole window some do not.
  return g.pad_top < g.kernel_height && g.pad_left < g.kernel_width && g.pad_top >= 0 &&
         g.pad_left >= 0 && g.pad_bottom >= 0 && g.pad_right >= 0 && g.dilation_height == 1 &&
         g.dilation_width == 1 && (g.out_height - 1) * g.stride_height - g.pad_top < g.height &&
         (g.out_width - 1) * g.stride_width - g.pad_left < g.width;
}

Kernel make_max_pool(const StepSpec& step) {
  return step.integer ? max_pool<uint8_t>(step, loops().max_u8)
                      : max_pool<float>(step, loops().max_f32);
}

Kernel make_average_pool(const StepSpec& step) {
  return average_of(step, pool_geometry(step), "avgpool");
}

bool supports_image(const StepSpec& step) { return is_image(step); }

Kernel make_global_average_pool(const StepSpec& step) {
  const ir::Dims& d = step.input(0).dims;
  Conv2d g;
  g.batch = d[0];
  g.channels = g.out_channels = d[1];
  g.height = g.kernel_height = d[2];
  g.width = g.kernel_width = d[3];
  return average_of(step, g, "global-avgpool");
}

bool supports_flat_binary(const StepSpec& step) {
  if (step.input(0).constant || step.input(1).constant) return false;
  if (step.input(0).dims != step.output().dims || step.input(1).dims != step.output().dims) {
    return false;
  }
  if (step.integer) return step.node.op != "Mul";
  return step.input(0).dtype == ir::DType::kF32 && step.input(1).dtype == ir::DType::kF32;
}

Kernel make_flat_binary(const StepSpec& step) {
  const int64_t count = step.output().count();
  Kernel kernel{.name = flat_name(step.node.op, step.integer), .in_place = true};
  if (step.integer) {
    const BinaryRequantize r = binary_requantize(step);
    const std::array numbers = {static_cast<float>(r.a_zero),
                                r.a_multiplier,
                                static_cast<float>(r.b_zero),
                                r.b_multiplier,
                                r.low,
                                r.high,
                                r.zero};
    kernel.run = [=, add = loops().add_u8](const RunArgs& args) {
      add(args.in<uint8_t>(0), args.in<uint8_t>(1), args.out<uint8_t>(), count, numbers.data());
    };
    return kernel;
  }
  const std::string& op = step.node.op;
  const FlatLoops& l = loops();
  const auto loop = op == "Add"   ? l.add
                    : op == "Sub" ? l.subtract
                    : op == "Mul" ? l.multiply
                                  : l.divide;
  kernel.run = [=, clamp = step.clamp](const RunArgs& args) {
    loop(args.in<float>(0), args.in<float>(1), args.out<float>(), count, clamp.low, clamp.high);
  };
  return kernel;
}

bool supports_flat_clamp(const StepSpec& step) {
  return !step.integer && !step.input(0).constant && step.output().dtype == ir::DType::kF32;
}

Kernel make_flat_clamp(const StepSpec& step) {
  const Clamp clamp = step.node.op == "Relu" ? Clamp{.low = 0.0F} : clip_bounds(step);
  const int64_t count = step.output().count();
  Kernel kernel{.name = flat_name(step.node.op, false), .in_place = true};
  kernel.run = [=, loop = loops().clamp](const RunArgs& args) {
    loop(args.in<float>(0), args.out<float>(), count, clamp.low, clamp.high);
  };
  return kernel;
}

bool supports_image_batch_norm(const StepSpec& step) {
  if (step.input(0).constant) return false;
  const size_t rank = step.input(0).dims.size();  // with rank 2 rows are channels last as well
  for (int i = 1; i < 5; ++i) {
    if (!step.input(i).constant) return false;
  }
  return rank == 4 || rank == 2;
}

Kernel make_batch_norm(const StepSpec& step) {
  const std::vector<float> gamma = ir::to_f32(*step.input(1).constant);
  const std::vector<float> beta = ir::to_f32(*step.input(2).constant);
  const std::vector<float> mean = ir::to_f32(*step.input(3).constant);
  const std::vector<float> variance = ir::to_f32(*step.input(4).constant);
  const double epsilon = ir::attr_float(step.node, "epsilon", 1e-5F);
  std::vector<float> scale(gamma.size());
  std::vector<float> shift(gamma.size());
  for (size_t c = 0; c < gamma.size(); ++c) {
    const double factor = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    scale[c] = static_cast<float>(factor);
    shift[c] = static_cast<float>(beta[c] - mean[c] * factor);
  }
  const auto columns = static_cast<int64_t>(gamma.size());
  const int64_t rows = columns == 0 ? 0 : step.output().count() / columns;
  Kernel kernel{.name = flat_name("batchnorm", false), .in_place = true};
  kernel.packed_bytes = columns * 8;
  kernel.run = [=, loop = loops().scale_shift](const RunArgs& args) {
    loop(args.in<float>(0), args.out<float>(), rows, columns, scale.data(), shift.data());
  };
  return kernel;
}

bool supports_reorder(const StepSpec& step) {
  const int bits = ir::info(step.output().dtype).bits;
  return !step.input(0).constant && (bits == 8 || bits == 32);
}

Kernel make_reorder(const StepSpec& step) {
  const ir::Dims& d = step.input(0).dims;
  const bool to_nhwc = step.output().layout == Layout::kNhwc;
  const int64_t batch = d[0];
  const int64_t rows = to_nhwc ? d[1] : d[2] * d[3];
  const int64_t columns = to_nhwc ? d[2] * d[3] : d[1];
  const bool bytes = ir::info(step.output().dtype).bits == 8;
  Kernel kernel{.name = std::string(to_nhwc ? "to-nhwc-" : "to-nchw-")};
  kernel.name += name_of(active_isa());
  kernel.run = [=, l = &loops()](const RunArgs& args) {
    for (int64_t n = 0; n < batch; ++n) {
      const int64_t at = n * rows * columns;
      if (bytes) {
        l->transpose_1(args.in<uint8_t>(0) + at, args.out<uint8_t>() + at, rows, columns);
      } else {
        l->transpose_4(args.in<uint32_t>(0) + at, args.out<uint32_t>() + at, rows, columns);
      }
    }
  };
  return kernel;
}

bool supports_flat_quantize(const StepSpec& step) { return !step.input(0).constant; }

Kernel make_quantize(const StepSpec& step) {
  const ir::ActivationQuant quant = *step.output().quant;
  const int64_t count = step.output().count();
  Kernel kernel{.name = "quantize-" + std::string(name_of(active_isa()))};
  kernel.run = [=, loop = loops().quantize](const RunArgs& args) {
    loop(args.in<float>(0), args.out<uint8_t>(), count, quant.scale,
         static_cast<float>(quant.zero_point));
  };
  return kernel;
}

bool supports_flat_dequantize(const StepSpec& step) { return step.input(0).quant.has_value(); }

Kernel make_dequantize(const StepSpec& step) {
  const ir::ActivationQuant quant = *step.input(0).quant;
  const int64_t count = step.output().count();
  Kernel kernel{.name = "dequantize-" + std::string(name_of(active_isa()))};
  kernel.run = [=, loop = loops().dequantize](const RunArgs& args) {
    loop(args.in<uint8_t>(0), args.out<float>(), count, quant.scale, quant.zero_point);
  };
  return kernel;
}

}  // namespace pare::runtime::own
