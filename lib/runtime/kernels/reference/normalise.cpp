// SPDX-License-Identifier: Apache-2.0
// Normalisations: of rows (LayerNormalization, RMSNormalization), of channels
// (InstanceNormalization, GroupNormalization), across channels (LRN), by a norm (LpNormalization)
// and over axes (MeanVarianceNormalization). Statistics are taken in double.
#include <algorithm>
#include <cmath>

#include "lib/runtime/kernels/reference/axes.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

namespace {

struct Statistics {
  double mean = 0, inverse_deviation = 0;
};

// Of `count` consecutive floats; without centring the mean is taken as 0.
Statistics statistics_of(const float* x, int64_t count, double epsilon, bool centred) {
  Statistics s;
  for (int64_t i = 0; centred && i < count; ++i) s.mean += x[i];
  s.mean /= static_cast<double>(std::max<int64_t>(count, 1));
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += (x[i] - s.mean) * (x[i] - s.mean);
  s.inverse_deviation = 1 / std::sqrt(squares / static_cast<double>(count) + epsilon);
  return s;
}

}  // namespace

// y = (x - mean) / sqrt(variance + epsilon) * scale + bias over the dimensions from `axis` on;
// RMSNormalization without mean and bias.
Kernel make_layer_norm(const StepSpec& step) {
  const ir::Dims dims = step.input(0).dims;
  const bool centred = step.node.op == "LayerNormalization";
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", -1), dims.size());
  const int64_t length = ir::element_count(std::span(dims).subspan(axis));
  const int64_t rows = length == 0 ? 0 : step.input(0).count() / length;
  const double epsilon = ir::attr_float(step.node, "epsilon", 1e-5F);
  const bool biased = step.has_input(2);
  const FloatSource source(step, 0);
  const FloatSource scale(step, 1);
  const FloatSource bias = biased ? FloatSource(step, 2) : FloatSource();
  const std::array strides = {broadcast_strides(step.input(1).dims, dims),
                              broadcast_strides(biased ? step.input(2).dims : ir::Dims{}, dims)};
  const size_t outputs = step.outputs.size();
  Kernel kernel{.name = reference_name(step)};
  kernel.scratch_bytes = rows * static_cast<int64_t>(sizeof(Statistics));
  kernel.run = [=, index = std::vector<int64_t>(dims.size())](const RunArgs& args) mutable {
    const float* x = source.get(args);
    auto* statistics = reinterpret_cast<Statistics*>(args.scratch);
    for (int64_t row = 0; row < rows; ++row) {
      statistics[row] = statistics_of(x + row * length, length, epsilon, centred);
      if (outputs > 1) args.out<float>(1)[row] = static_cast<float>(statistics[row].mean);
      if (outputs > 2) {
        args.out<float>(2)[row] = static_cast<float>(statistics[row].inverse_deviation);
      }
    }
    const float* factor = scale.get(args);
    const float* offset = biased ? bias.get(args) : nullptr;
    walk_together(dims, strides, index, [&](int64_t i, const std::array<int64_t, 2>& at) {
      const Statistics& s = statistics[i / length];
      const double y = (x[i] - s.mean) * s.inverse_deviation * factor[at[0]];
      args.out<float>()[i] = static_cast<float>(offset == nullptr ? y : y + offset[at[1]]);
    });
  };
  return kernel;
}

// InstanceNormalization normalises every channel of every item, GroupNormalization groups of
// channels together; scale and bias are per channel in both.
Kernel make_channel_norm(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const int64_t channels = dims[1];
  const bool grouped = step.node.op == "GroupNormalization";
  const int64_t groups = grouped ? ir::attr_int(step.node, "num_groups", 1) : channels;
  const int64_t plane = ir::element_count(std::span(dims).subspan(2));
  const int64_t length = groups == 0 ? 0 : channels / groups * plane;
  const int64_t count = step.output().count();
  const double epsilon = ir::attr_float(step.node, "epsilon", 1e-5F);
  const FloatSource source(step, 0);
  const FloatSource scale(step, 1);
  const FloatSource bias(step, 2);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    const float* x = source.get(args);
    for (int64_t start = 0; start < count; start += length) {
      const Statistics s = statistics_of(x + start, length, epsilon, true);
      for (int64_t i = start; i < start + length; ++i) {
        const int64_t c = i / plane % channels;
        const double y = (x[i] - s.mean) * s.inverse_deviation;
        args.out<float>()[i] = static_cast<float>(y * scale.get(args)[c] + bias.get(args)[c]);
      }
    }
  };
  return kernel;
}

// y = x / (bias + alpha / size * sum of squares of `size` channels around x)^beta.
Kernel make_lrn(const StepSpec& step) {
  const AxisView view(step.input(0).dims, 1);
  const int64_t size = ir::attr_int(step.node, "size", 1);
  const double alpha = ir::attr_float(step.node, "alpha", 1e-4F);
  const double beta = ir::attr_float(step.node, "beta", 0.75F);
  const double bias = ir::attr_float(step.node, "bias", 1.0F);
  const FloatSource source(step, 0);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    const float* x = source.get(args);
    view.for_each_line([&](int64_t base) {
      for (int64_t c = 0; c < view.length; ++c) {
        double squares = 0;
        const int64_t first = std::max<int64_t>(0, c - (size - 1) / 2);
        const int64_t last = std::min(view.length - 1, c + size / 2);
        for (int64_t n = first; n <= last; ++n) {
          const double v = x[base + n * view.inner];
          squares += v * v;
        }
        const int64_t at = base + c * view.inner;
        args.out<float>()[at] = static_cast<float>(
            x[at] / std::pow(bias + alpha / static_cast<double>(size) * squares, beta));
      }
    });
  };
  return kernel;
}

// Lines of zeros stay zeros.
Kernel make_lp_norm(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const AxisView view(dims, normal_axis(ir::attr_int(step.node, "axis", -1), dims.size()));
  const bool first_norm = ir::attr_int(step.node, "p", 2) == 1;
  const FloatSource source(step, 0);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    const float* x = source.get(args);
    view.for_each_line([&](int64_t base) {
      double norm = 0;
      for (int64_t i = 0; i < view.length; ++i) {
        const double v = x[base + i * view.inner];
        norm += first_norm ? std::fabs(v) : v * v;
      }
      if (!first_norm) norm = std::sqrt(norm);
      for (int64_t i = 0; i < view.length; ++i) {
        const int64_t at = base + i * view.inner;
        args.out<float>()[at] = norm == 0 ? 0.0F : static_cast<float>(x[at] / norm);
      }
    });
  };
  return kernel;
}

// y = (x - mean) / (deviation + 1e-9) over `axes`.
Kernel make_mean_variance_norm(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  std::vector<bool> reduced(dims.size(), false);
  for (const int64_t axis : ir::attr_ints(step.node, "axes", {0, 2, 3})) {
    reduced.at(normal_axis(axis, dims.size())) = true;
  }
  const FloatSource source(step, 0);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=, loops = Reduction(dims, reduced)](const RunArgs& args) mutable {
    const float* x = source.get(args);
    loops.for_each_group([&](int64_t, int64_t base) {
      double sum = 0, squares = 0;
      loops.for_each_element(base, [&](int64_t at) { sum += x[at]; });
      const double mean = sum / static_cast<double>(loops.count());
      loops.for_each_element(base, [&](int64_t at) { squares += (x[at] - mean) * (x[at] - mean); });
      const double deviation = std::sqrt(squares / static_cast<double>(loops.count())) + 1e-9;
      loops.for_each_element(base, [&](int64_t at) {
        args.out<float>()[at] = static_cast<float>((x[at] - mean) / deviation);
      });
    });
  };
  return kernel;
}

}  // namespace pare::runtime::reference
