// SPDX-License-Identifier: Apache-2.0
// Reductions over axes and what picks or accumulates along one: ReduceSum and its kin, ArgMax,
// ArgMin, TopK, Hardmax, CumSum, CumProd.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lib/runtime/kernels/reference/axes.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

namespace {

// Floats are accumulated in double, integers in 64 bits that wrap.
template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;

template <class S>
S plus(S a, S b) {
  if constexpr (std::is_floating_point_v<S>) return a + b;
  return static_cast<S>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <class S>
S times(S a, S b) {
  if constexpr (std::is_floating_point_v<S>) return a * b;
  return static_cast<S>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// log(exp(a) + exp(b)) without overflow.
double log_add(double a, double b) {
  const double high = std::max(a, b);
  if (std::isinf(high)) return high;
  return high + std::log1p(std::exp(std::min(a, b) - high));
}

template <class T>
struct Reducer {
  Sum<T> start = 0;
  Sum<T> (*add)(Sum<T>, Sum<T>) = nullptr;
  double (*finish)(double) = nullptr;  // null: as it is
};

template <class T>
Reducer<T> reducer_of(const std::string& op) {
  using S = Sum<T>;
  using Limits = std::numeric_limits<T>;
  const T least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  const T most = Limits::has_infinity ? Limits::infinity() : Limits::max();
  const auto sum = [](S a, S x) { return plus(a, x); };
  const auto squares = [](S a, S x) { return plus(a, times(x, x)); };
  if (op == "ReduceSum") return {0, sum};
  if (op == "ReduceProd") return {1, [](S a, S x) { return times(a, x); }};
  if (op == "ReduceL1") return {0, [](S a, S x) { return plus(a, x < 0 ? times<S>(x, -1) : x); }};
  if (op == "ReduceSumSquare") return {0, squares};
  if (op == "ReduceL2") return {0, squares, [](double x) { return std::sqrt(x); }};
  if (op == "ReduceLogSum") return {0, sum, [](double x) { return std::log(x); }};
  // NaN wins.
  if (op == "ReduceMax" || op == "GlobalMaxPool") {
    return {static_cast<S>(least), [](S a, S x) { return x > a || x != x ? x : a; }};
  }
  if (op == "ReduceMin") {
    return {static_cast<S>(most), [](S a, S x) { return x < a || x != x ? x : a; }};
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (op == "ReduceLogSumExp") return {-std::numeric_limits<double>::infinity(), log_add};
  }
  throw Bug("no reduction for " + op);
}

Kernel reduction_kernel(const StepSpec& step, const std::vector<bool>& reduced) {
  const Reduction loops(step.input(0).dims, reduced);
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Reducer<T> reducer = reducer_of<T>(step.node.op);
    const Source<T> source(step, 0);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=, loops = loops](const RunArgs& args) mutable {
      const T* in = source.get(args);
      T* out = args.out<T>();
      loops.for_each_group([&](int64_t i, int64_t base) {
        Sum<T> sum = reducer.start;
        loops.for_each_element(
            base, [&](int64_t at) { sum = reducer.add(sum, static_cast<Sum<T>>(in[at])); });
        out[i] = reducer.finish ? static_cast<T>(reducer.finish(static_cast<double>(sum)))
                                : static_cast<T>(sum);
      });
    };
    return kernel;
  });
}

template <class T>
bool comes_before(T a, T b, bool largest) {
  return largest ? a > b : a < b;
}

}  // namespace

Kernel make_reduce(const StepSpec& step) { return reduction_kernel(step, reduced_axes(step)); }

Kernel make_global_max_pool(const StepSpec& step) {
  std::vector<bool> reduced(step.input(0).dims.size(), true);
  reduced[0] = reduced[1] = false;
  return reduction_kernel(step, reduced);
}

Kernel make_arg_reduce(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const AxisView view(dims, normal_axis(ir::attr_int(step.node, "axis", 0), dims.size()));
  const bool largest = step.node.op == "ArgMax";
  const bool last = ir::attr_int(step.node, "select_last_index", 0) != 0;
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Source<T> source(step, 0);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=](const RunArgs& args) {
      const T* in = source.get(args);
      int64_t* out = args.out<int64_t>();
      view.for_each_line([&](int64_t base) {
        int64_t best = 0;
        for (int64_t i = 1; i < view.length; ++i) {
          const T x = in[base + i * view.inner];
          const T y = in[base + best * view.inner];
          if (comes_before(x, y, largest) || (last && x == y)) best = i;
        }
        *out++ = best;
      });
    };
    return kernel;
  });
}

// Sorted whatever `sorted` says, equal values by index.
Kernel make_top_k(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", -1), dims.size());
  const AxisView view(dims, axis);
  const int64_t k = step.output().dims[axis];
  const bool largest = ir::attr_int(step.node, "largest", 1) != 0;
  const bool wants_indices = step.outputs.size() > 1;
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Source<T> source(step, 0);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=, order = std::vector<int64_t>(static_cast<size_t>(view.length))](
                     const RunArgs& args) mutable {
      const T* in = source.get(args);
      int64_t line = 0;
      view.for_each_line([&](int64_t base) {
        std::iota(order.begin(), order.end(), int64_t{0});
        std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
          const T x = in[base + a * view.inner];
          const T y = in[base + b * view.inner];
          return x != y ? comes_before(x, y, largest) : a < b;
        });
        const int64_t to = line / view.inner * k * view.inner + line % view.inner;
        for (int64_t i = 0; i < k; ++i) {
          const int64_t picked = order[static_cast<size_t>(i)];
          args.out<T>()[to + i * view.inner] = in[base + picked * view.inner];
          if (wants_indices) args.out<int64_t>(1)[to + i * view.inner] = picked;
        }
        ++line;
      });
    };
    return kernel;
  });
}

// 1 for the first largest element, 0 for the others.
Kernel make_hardmax(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const AxisView view(dims, normal_axis(ir::attr_int(step.node, "axis", -1), dims.size()));
  const FloatSource source(step, 0);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    const float* in = source.get(args);
    view.for_each_line([&](int64_t base) {
      int64_t best = 0;
      for (int64_t i = 1; i < view.length; ++i) {
        if (in[base + i * view.inner] > in[base + best * view.inner]) best = i;
      }
      for (int64_t i = 0; i < view.length; ++i) {
        args.out<float>()[base + i * view.inner] = i == best ? 1.0F : 0.0F;
      }
    });
  };
  return kernel;
}

Kernel make_cumulate(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const AxisView view(dims, normal_axis(constant_integers(step, 1).at(0), dims.size()));
  const bool exclusive = ir::attr_int(step.node, "exclusive", 0) != 0;
  const bool reverse = ir::attr_int(step.node, "reverse", 0) != 0;
  const bool product = step.node.op == "CumProd";
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Source<T> source(step, 0);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=](const RunArgs& args) {
      const T* in = source.get(args);
      T* out = args.out<T>();
      view.for_each_line([&](int64_t base) {
        Sum<T> sum = product ? 1 : 0;
        for (int64_t i = 0; i < view.length; ++i) {
          const int64_t at = base + (reverse ? view.length - 1 - i : i) * view.inner;
          const Sum<T> before = sum;
          const auto x = static_cast<Sum<T>>(in[at]);
          sum = product ? times(sum, x) : plus(sum, x);
          out[at] = static_cast<T>(exclusive ? before : sum);
        }
      });
    };
    return kernel;
  });
}

}  // namespace pare::runtime::reference
