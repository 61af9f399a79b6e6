// SPDX-License-Identifier: Apache-2.0
// Conv, Gemm and MatMul with constant weights, on codes or in f32: the input is prepared once a
// convolution (unit_image.hpp), then rows of output pixels times vectors of channels go to the
// inner loops. A product of several rows is a convolution of size 1 over as many pixels. Those read
// their input in place where it holds whole units.
#include <algorithm>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/own/dense/linear_step.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

constexpr int64_t kMostPartVectors = 4;  // of channels, for one thread at a time
constexpr int64_t kRowPixels = 128;      // of joined rows, at most

// Some vectors of channels of one group: a block of which only the row is open.
struct Part {
  LinearBlock block;
  int64_t input = 0;    // bytes into the prepared image
  int64_t channel = 0;  // of the output
};

// A step ready to run.
struct LinearPlan {
  LinearNumbers numbers;
  UnitImage image;
  std::vector<PackedGroup> groups;
  std::vector<Part> parts;       // of all groups
  std::vector<int64_t> offsets;  // of the steps, one a window
  void (*loop)(const LinearBlock& block) = nullptr;
  Layout layout = Layout::kNhwc;
  int64_t input_bytes = 0;   // of an item
  int64_t output_bytes = 0;  // of an element
  int residual_input = -1;
  bool in_place = false;  // the input is read where it is
  int threads = 1;

  LinearPlan(const StepSpec& step, const Conv2d& g, Layout input_layout);
  int64_t scratch_bytes() const {
    if (in_place) return 0;
    return image.bytes() * std::max<int64_t>(1, std::min<int64_t>(threads, image.geometry().batch));
  }
  int64_t packed_bytes() const {
    int64_t words = 0;
    for (const PackedGroup& group : groups) {
      words += static_cast<int64_t>(group.weights.size() + group.bias.size() * 2);
    }
    return words * 4;
  }
  int64_t pixel_size() const {  // bytes of an input pixel as it comes
    return image.geometry().channels * (numbers.integer ? 1 : 4);
  }
  // Bytes from an output pixel's input to the next one's, and from a row to the next.
  int64_t pixel_bytes() const {
    const Conv2d& g = image.geometry();
    return in_place ? g.stride_width * pixel_size() : image.pixel_bytes();
  }
  int64_t row_bytes() const {
    const Conv2d& g = image.geometry();
    return g.stride_height * (in_place ? g.width * pixel_size() : image.row_bytes());
  }
  void set_offsets(const std::vector<UnitStep>& steps);
  void finish();  // once all groups are there
  void run(const RunArgs& args) const;

 private:
  const std::byte* prepare(const RunArgs& args, int64_t n, std::byte* scratch) const;
  void run_image(const RunArgs& args, int64_t n, const std::byte* image_bytes,
                 int image_threads) const;
  void run_row(const RunArgs& args, int64_t n, const std::byte* image_bytes, int64_t row,
               const Part& part) const;
};

LinearPlan::LinearPlan(const StepSpec& step, const Conv2d& g, Layout input_layout)
    : numbers(step),
      image(g, step.integer ? linear_kernels().codes_per_unit : 1),
      layout(input_layout),
      input_bytes(g.channels * g.height * g.width * (step.integer ? 1 : 4)),
      output_bytes(step.output().quant ? 1 : 4),
      residual_input(residual_index(step)),
      threads(linear_threads(step, g.macs())) {}

const std::byte* LinearPlan::prepare(const RunArgs& args, int64_t n, std::byte* scratch) const {
  const std::byte* from = args.in<std::byte>(0) + n * input_bytes;
  if (in_place) return from;
  image.fill(scratch, from, layout, static_cast<uint8_t>(numbers.input_zero));
  return scratch;
}

// Images go to threads whole when there are several, each thread with scratch of its own.
void LinearPlan::run(const RunArgs& args) const {
  const int64_t batch = image.geometry().batch;
  const int image_threads = batch > 1 && threads > 1 ? 1 : threads;
  parallel_for_workers(batch, threads, [&](int64_t n, int worker) {
    run_image(args, n, prepare(args, n, args.scratch + worker * image.bytes()), image_threads);
  });
}

void LinearPlan::run_image(const RunArgs& args, int64_t n, const std::byte* image_bytes,
                           int image_threads) const {
  const int64_t rows = image.geometry().out_height;
  if (image_threads <= 1) {
    // Rows vary fastest: the weights of a part stay in cache.
    for (const Part& part : parts) {
      for (int64_t row = 0; row < rows; ++row) run_row(args, n, image_bytes, row, part);
    }
    return;
  }
  parallel_for(static_cast<int64_t>(parts.size()) * rows, image_threads, [&](int64_t i) {
    run_row(args, n, image_bytes, i % rows, parts[static_cast<size_t>(i / rows)]);
  });
}

void LinearPlan::run_row(const RunArgs& args, int64_t n, const std::byte* image_bytes, int64_t row,
                         const Part& part) const {
  const Conv2d& g = image.geometry();
  LinearBlock b = part.block;
  b.input = image_bytes + part.input + row * row_bytes();
  const int64_t to = (n * g.out_height + row) * g.out_width * g.out_channels + part.channel;
  b.output = args.out<std::byte>() + to * output_bytes;
  if (residual_input >= 0) {
    b.residual = args.in<std::byte>(residual_input) + to * (numbers.integer ? 1 : 4);
  }
  loop(b);
}

void LinearPlan::set_offsets(const std::vector<UnitStep>& steps) {
  for (size_t s = 0; s < steps.size(); s += static_cast<size_t>(image.window())) {
    const int64_t element = numbers.integer ? 1 : 4;
    offsets.push_back(in_place ? steps[s].channel * element : steps[s].offset);
  }
}

// Of channels, for one tile of pixels after the other: fewer where the weights of more would leave
// the first cache between two tiles.
int64_t vectors_together(int64_t vector_bytes, int64_t pixels) {
  constexpr int64_t kCache = 28'000;
  constexpr int64_t kTilePixels = 6;
  const bool leave = vector_bytes * kMostPartVectors > kCache && pixels > kTilePixels;
  return leave && vector_bytes * 2 <= kCache ? 2 : kMostPartVectors;
}

void LinearPlan::finish() {
  const Conv2d& g = image.geometry();
  const LinearKernels& kernels = linear_kernels();
  loop = numbers.integer ? kernels.integer : kernels.real;
  LinearBlock b;
  b.pixel_bytes = pixel_bytes();
  b.pixels = g.out_width;
  b.window = image.window();
  b.step_offsets = offsets.data();
  b.steps = static_cast<int64_t>(offsets.size()) * b.window;
  b.output_stride = g.out_channels;
  const int64_t vectors = round_up(g.group_out_channels(), kernels.lanes) / kernels.lanes;
  const int64_t part_vectors = vectors_together(b.steps * kernels.lanes * 4, g.out_width);
  for (size_t group = 0; group < groups.size(); ++group) {
    const PackedGroup& packed = groups[group];
    for (int64_t vector = 0; vector < vectors; vector += part_vectors) {
      const int64_t channel = vector * kernels.lanes;
      set_output(b, numbers, packed);
      b.bias = packed.bias.data() + channel;
      b.multiplier = packed.multiplier.data() + channel;
      b.weights = packed.weights.data() + channel * b.steps;
      b.vectors = std::min(part_vectors, vectors - vector);
      b.channels = g.group_out_channels() - channel;
      const auto at = static_cast<int64_t>(group);
      parts.push_back({b, at * image.group_bytes(), at * g.group_out_channels() + channel});
    }
  }
}

Kernel kernel_of(const StepSpec& step, const std::shared_ptr<LinearPlan>& plan,
                 const std::string& what) {
  plan->finish();
  Kernel kernel{.name = linear_kernel_name(step, what), .in_place = true};
  kernel.packed_bytes = plan->packed_bytes();
  kernel.scratch_bytes = plan->scratch_bytes();
  kernel.run = [plan](const RunArgs& args) { plan->run(args); };
  return kernel;
}

// A convolution of size 1 does not care where rows end: short ones are joined, so that tiles are
// full and threads still have rows to share.
Conv2d flattened(Conv2d g) {
  const bool padded = g.pad_top != 0 || g.pad_left != 0 || g.pad_bottom != 0 || g.pad_right != 0;
  if (g.taps() != 1 || g.stride_height != 1 || g.stride_width != 1 || padded) return g;
  int64_t joined = g.height;
  while (joined > 1 && (g.height % joined != 0 || joined * g.width > kRowPixels)) --joined;
  g.height = g.out_height = g.height / joined;
  g.width = g.out_width = g.width * joined;
  return g;
}

// Whether the units that the loops read lie in the input as it is (channels last, no border) and
// are better read there: several pixels when each unit is read once, because units side by side are
// read with less arithmetic, and not when pixels a multiple of 4096 bytes apart would share a few
// lines of the first cache. A pixel's last unit may hold up to three codes of what follows, which
// meet zero weights; behind the last of all lies the arena's slack.
bool fits_in_place(const StepSpec& step, const Conv2d& g, Layout layout) {
  const int64_t per_unit = step.integer ? linear_kernels().codes_per_unit : 1;
  const int64_t pixels = g.height * g.width;
  const bool padded = g.pad_top != 0 || g.pad_left != 0 || g.pad_bottom != 0 || g.pad_right != 0;
  if (g.taps() != 1 || g.groups != 1 || padded) return false;
  if (layout != Layout::kNhwc && g.channels > 1 && pixels > 1) return false;
  if (per_unit == 2) return false;
  if (pixels == 1) return true;
  const bool one_part = g.out_channels <= kMostPartVectors * linear_kernels().lanes;
  const int64_t apart = g.stride_width * g.channels * (step.integer ? 1 : 4);
  return one_part && apart % 4096 != 0;
}

bool constants_fit(const StepSpec& step) {
  if (step.integer) return true;
  if (step.input(0).constant || !step.input(1).constant) return false;
  return !step.has_input(2) || step.input(2).constant.has_value();
}

}  // namespace

bool supports_conv(const StepSpec& step) {
  if (!constants_fit(step) || step.input(0).dims.size() != 4) return false;
  const Conv2d g = conv_geometry(step);
  return g.pad_top >= 0 && g.pad_left >= 0 && g.pad_bottom >= 0 && g.pad_right >= 0;
}

bool supports_image_conv(const StepSpec& step) {
  if (step.integer || active_isa() == Isa::kScalar || !supports_conv(step)) return false;
  const Conv2d g = conv_geometry(step);
  return g.groups == 1 && g.channels <= 4;
}

bool supports_strided_pointwise(const StepSpec& step) {
  if (step.integer || active_isa() == Isa::kScalar || !supports_conv(step)) return false;
  const Conv2d g = conv_geometry(step);
  return g.stride_height * g.stride_width > 1 && fits_in_place(step, g, Layout::kNhwc);
}

Kernel make_conv(const StepSpec& step) {
  const Conv2d g = flattened(conv_geometry(step));
  auto plan = std::make_shared<LinearPlan>(step, g, step.input(0).layout);
  const std::vector<UnitStep> steps = plan->image.steps();
  plan->in_place = fits_in_place(step, g, step.input(0).layout);
  plan->set_offsets(steps);
  const int64_t filter = g.group_channels() * g.taps();
  for (int64_t group = 0; group < g.groups; ++group) {
    plan->groups.push_back(
        pack_group(plan->numbers, group * g.group_out_channels(), g.group_out_channels(),
                   static_cast<int64_t>(steps.size()), [&](int64_t c, int64_t s, int64_t j) {
                     const int64_t at = plan->image.weight_index(steps[static_cast<size_t>(s)], j);
                     return at < 0 ? at : c * filter + at;
                   }));
  }
  return kernel_of(step, plan, "conv");
}

bool supports_product(const StepSpec& step) {
  if (step.integer) return true;
  if (!constants_fit(step) || step.input(1).dims.size() != 2) return false;
  const MatrixProduct g = matrix_geometry(step);
  if (g.transposed_a || g.alpha != 1.0F || g.beta != 1.0F) return false;
  return !step.has_input(2) || step.input(2).count() == g.columns;
}

Kernel make_product(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  Conv2d pixels;
  pixels.channels = g.depth;
  pixels.out_channels = g.columns;
  pixels.width = pixels.out_width = g.rows;
  auto plan = std::make_shared<LinearPlan>(step, pixels, Layout::kNhwc);
  plan->in_place = fits_in_place(step, pixels, Layout::kNhwc);
  const std::vector<UnitStep> steps = plan->image.steps();
  plan->set_offsets(steps);
  plan->groups.push_back(pack_group(plan->numbers, 0, g.columns, static_cast<int64_t>(steps.size()),
                                    [&](int64_t c, int64_t s, int64_t j) {
                                      const UnitStep& at = steps[static_cast<size_t>(s)];
                                      return product_weight(g, c, at.channel + j);
                                    }));
  return kernel_of(step, plan, "gemm");
}

}  // namespace pare::runtime::own
