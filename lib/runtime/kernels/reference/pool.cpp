// SPDX-License-Identifier: Apache-2.0
// Reference poolings and means, in f32 and on codes.
#include <limits>
#include <type_traits>

#include "lib/runtime/kernels/averaging.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

// Calls plane(channel index, output offset of its plane) ... body(out index, y range, x range).
template <class Body>
void for_each_window(const Conv2d& g, const Body& body) {
  int64_t i = 0;
  for (int64_t plane = 0; plane < g.batch * g.channels; ++plane) {
    for (int64_t oy = 0; oy < g.out_height; ++oy) {
      for (int64_t ox = 0; ox < g.out_width; ++ox) body(plane * g.height * g.width, oy, ox, i++);
    }
  }
}

template <class Body>
void for_each_inside(const Conv2d& g, int64_t oy, int64_t ox, const Body& body) {
  for (int64_t ky = 0; ky < g.kernel_height; ++ky) {
    const int64_t y = oy * g.stride_height - g.pad_top + ky * g.dilation_height;
    if (y < 0 || y >= g.height) continue;
    for (int64_t kx = 0; kx < g.kernel_width; ++kx) {
      const int64_t x = ox * g.stride_width - g.pad_left + kx * g.dilation_width;
      if (x >= 0 && x < g.width) body(y * g.width + x);
    }
  }
}

template <class T>
Kernel max_pool(const StepSpec& step) {
  const Conv2d g = pool_geometry(step);
  Kernel kernel{.name = "reference-MaxPool"};
  kernel.run = [=](const RunArgs& args) {
    for_each_window(g, [&](int64_t plane, int64_t oy, int64_t ox, int64_t i) {
      T best = std::numeric_limits<T>::lowest();
      if constexpr (std::is_floating_point_v<T>) best = -std::numeric_limits<T>::infinity();
      for_each_inside(g, oy, ox, [&](int64_t at) {
        const T x = args.in<T>(0)[plane + at];
        if (x > best || x != x) best = x;
      });
      args.out<T>()[i] = best;
    });
  };
  return kernel;
}

template <class T>
Kernel average_pool(const StepSpec& step) {
  const Conv2d g = pool_geometry(step);
  const Averaging averaging(step);
  const bool count_pads = ir::attr_int(step.node, "count_include_pad", 0) != 0;
  Kernel kernel{.name = step.integer ? "reference-AveragePool-u8" : "reference-AveragePool"};
  kernel.run = [=](const RunArgs& args) {
    for_each_window(g, [&](int64_t plane, int64_t oy, int64_t ox, int64_t i) {
      typename Averaging::Sum<T> sum = 0;
      int64_t inside = 0;
      for_each_inside(g, oy, ox, [&](int64_t at) {
        sum += averaging.term(args.in<T>(0)[plane + at]);
        ++inside;
      });
      args.out<T>()[i] =
          averaging.result<T>(sum, count_pads ? padded_window_size(g, oy, ox) : inside);
    });
  };
  return kernel;
}

template <class T>
Kernel reduce_mean(const StepSpec& step, const std::vector<bool>& reduced) {
  const ir::Dims dims = step.input(0).dims;
  ir::Dims kept_dims;
  ir::Dims reduced_dims;
  std::vector<int64_t> kept_strides;
  std::vector<int64_t> reduced_strides;
  const std::vector<int64_t> strides = row_major_strides(dims);
  for (size_t d = 0; d < dims.size(); ++d) {
    (reduced[d] ? reduced_dims : kept_dims).push_back(dims[d]);
    (reduced[d] ? reduced_strides : kept_strides).push_back(strides[d]);
  }
  const Averaging averaging(step);
  const int64_t count = ir::element_count(reduced_dims);
  Kernel kernel{.name = "reference-" + step.node.op + (step.integer ? "-u8" : "")};
  kernel.run = [=, outer = std::vector<int64_t>(kept_dims.size()),
                inner = std::vector<int64_t>(reduced_dims.size())](const RunArgs& args) mutable {
    walk(kept_dims, kept_strides, outer, [&](int64_t i, int64_t base) {
      typename Averaging::Sum<T> sum = 0;
      walk(reduced_dims, reduced_strides, inner,
           [&](int64_t, int64_t offset) { sum += averaging.term(args.in<T>(0)[base + offset]); });
      args.out<T>()[i] = averaging.result<T>(sum, count);
    });
  };
  return kernel;
}

Kernel mean_over(const StepSpec& step, const std::vector<bool>& reduced) {
  return step.integer ? reduce_mean<uint8_t>(step, reduced) : reduce_mean<float>(step, reduced);
}

}  // namespace

Kernel make_max_pool(const StepSpec& step) {
  return step.integer ? max_pool<uint8_t>(step) : max_pool<float>(step);
}

Kernel make_average_pool(const StepSpec& step) {
  return step.integer ? average_pool<uint8_t>(step) : average_pool<float>(step);
}

Kernel make_global_average_pool(const StepSpec& step) {
  std::vector<bool> reduced(step.input(0).dims.size(), true);
  reduced[0] = reduced[1] = false;
  return mean_over(step, reduced);
}

Kernel make_reduce_mean(const StepSpec& step) { return mean_over(step, reduced_axes(step)); }

Kernel make_softmax(const StepSpec& step) {
  const ir::Dims& dims = step.output().dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", -1), dims.size());
  const int64_t length = dims[axis];
  int64_t inner = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  const int64_t outer = length == 0 ? 0 : step.output().count() / (length * inner);
  const bool log = step.node.op == "LogSoftmax";
  Kernel kernel{.name = "reference-" + step.node.op};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t row = 0; row < outer * inner; ++row) {
      const int64_t base = row / inner * length * inner + row % inner;
      const float* in = args.in<float>(0) + base;
      float* out = args.out<float>() + base;
      float largest = in[0];
      for (int64_t i = 1; i < length; ++i) largest = std::max(largest, in[i * inner]);
      double sum = 0.0;
      for (int64_t i = 0; i < length; ++i)
        sum += std::exp(static_cast<double>(in[i * inner] - largest));
      for (int64_t i = 0; i < length; ++i) {
        const double x = in[i * inner] - largest;
        out[i * inner] = static_cast<float>(log ? x - std::log(sum) : std::exp(x) / sum);
      }
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
