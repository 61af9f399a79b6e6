// SPDX-License-Identifier: Apache-2.0
// Reference poolings and means, in f32 and on codes, in any number of dimensions.
#include <cmath>
#include <limits>
#include <type_traits>

#include "lib/runtime/kernels/averaging.hpp"
#include "lib/runtime/kernels/reference/axes.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/reference/window.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

namespace {

WindowLoops pool_loops(const StepSpec& step) {
  return window_loops(step, ir::attr_ints(step.node, "kernel_shape", {}));
}

int64_t planes_of(const StepSpec& step) { return step.input(0).dims[0] * step.input(0).dims[1]; }

// Indices count over the whole input; with storage_order 1 a plane is numbered column by column.
template <class T>
Kernel max_pool(const StepSpec& step) {
  const WindowLoops loops = pool_loops(step);
  const int64_t planes = planes_of(step);
  const bool wants_indices = step.outputs.size() > 1;
  const bool by_column = ir::attr_int(step.node, "storage_order", 0) != 0;
  const Source<T> source(step, 0);
  Kernel kernel{.name = "reference-MaxPool"};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < planes * loops.out_plane(); ++i) {
      const int64_t plane = i / loops.out_plane() * loops.in_plane();
      const T* in = source.get(args) + plane;
      T best = std::numeric_limits<T>::lowest();
      if constexpr (std::is_floating_point_v<T>) best = -std::numeric_limits<T>::infinity();
      int64_t where = -1;
      loops.for_each_tap(i % loops.out_plane(), [&](int64_t at, int64_t) {
        const T x = in[at];
        if (where >= 0 && !(x > best) && x == x) return;
        best = x;
        where = at;
      });
      args.out<T>()[i] = best;
      if (!wants_indices) continue;
      args.out<int64_t>(1)[i] =
          plane + (by_column && where >= 0 ? loops.column_major(where) : where);
    }
  };
  return kernel;
}

template <class T>
Kernel average_pool(const StepSpec& step) {
  const WindowLoops loops = pool_loops(step);
  const int64_t planes = planes_of(step);
  const Averaging averaging(step);
  const bool count_pads = ir::attr_int(step.node, "count_include_pad", 0) != 0;
  const Source<T> source(step, 0);
  Kernel kernel{.name = step.integer ? "reference-AveragePool-u8" : "reference-AveragePool"};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < planes * loops.out_plane(); ++i) {
      const T* in = source.get(args) + i / loops.out_plane() * loops.in_plane();
      const int64_t o = i % loops.out_plane();
      typename Averaging::Sum<T> sum = 0;
      int64_t inside = 0;
      loops.for_each_tap(o, [&](int64_t at, int64_t) {
        sum += averaging.term(in[at]);
        ++inside;
      });
      args.out<T>()[i] = averaging.result<T>(sum, count_pads ? loops.padded_taps(o) : inside);
    }
  };
  return kernel;
}

template <class T>
Kernel reduce_mean(const StepSpec& step, const std::vector<bool>& reduced) {
  const Averaging averaging(step);
  const Source<T> source(step, 0);
  Kernel kernel{.name = "reference-" + step.node.op + (step.integer ? "-u8" : "")};
  kernel.run = [=, loops = Reduction(step.input(0).dims, reduced)](const RunArgs& args) mutable {
    const T* in = source.get(args);
    loops.for_each_group([&](int64_t i, int64_t base) {
      typename Averaging::Sum<T> sum = 0;
      loops.for_each_element(base, [&](int64_t at) { sum += averaging.term(in[at]); });
      args.out<T>()[i] = averaging.result<T>(sum, loops.count());
    });
  };
  return kernel;
}

Kernel mean_over(const StepSpec& step, const std::vector<bool>& reduced) {
  return step.integer ? reduce_mean<uint8_t>(step, reduced) : reduce_mean<float>(step, reduced);
}

}  // namespace

Kernel make_max_pool(const StepSpec& step) {
  return for_type(step, step.input(0).dtype, Types<float, int8_t, uint8_t>(),
                  [&]<class T>() { return max_pool<T>(step); });
}

Kernel make_average_pool(const StepSpec& step) {
  return step.integer ? average_pool<uint8_t>(step) : average_pool<float>(step);
}

// The p-norm of the window.
Kernel make_lp_pool(const StepSpec& step) {
  const WindowLoops loops = pool_loops(step);
  const int64_t planes = planes_of(step);
  const auto p = static_cast<double>(ir::attr_int(step.node, "p", 2));
  const FloatSource source(step, 0);
  Kernel kernel{.name = "reference-LpPool"};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < planes * loops.out_plane(); ++i) {
      const float* in = source.get(args) + i / loops.out_plane() * loops.in_plane();
      double sum = 0;
      loops.for_each_tap(i % loops.out_plane(), [&](int64_t at, int64_t) {
        sum += std::pow(std::fabs(static_cast<double>(in[at])), p);
      });
      args.out<float>()[i] = static_cast<float>(std::pow(sum, 1 / p));
    }
  };
  return kernel;
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
  const FloatSource source(step, 0);
  Kernel kernel{.name = "reference-" + step.node.op};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t row = 0; row < outer * inner; ++row) {
      const int64_t base = row / inner * length * inner + row % inner;
      const float* in = source.get(args) + base;
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
