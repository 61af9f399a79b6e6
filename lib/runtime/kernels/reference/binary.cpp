// SPDX-License-Identifier: Apache-2.0
// Arithmetic, comparison and logic of broadcast operands, in f32, in integers and on codes. One
// loop, given the function of two elements.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/scalar_functions.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

template <class A, class B, class Out, class Function>
Kernel combined(const StepSpec& step, const Function& function) {
  const ir::Dims dims = step.output().dims;
  const std::array strides = {broadcast_strides(step.input(0).dims, dims),
                              broadcast_strides(step.input(1).dims, dims)};
  const Source<A> a_source(step, 0);
  const Source<B> b_source(step, 1);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=, index = std::vector<int64_t>(dims.size())](const RunArgs& args) mutable {
    const A* a = a_source.get(args);
    const B* b = b_source.get(args);
    Out* out = args.out<Out>();
    walk_together(dims, strides, index, [&](int64_t i, const std::array<int64_t, 2>& at) {
      out[i] = function(a[at[0]], b[at[1]]);
    });
  };
  return kernel;
}

template <class T, class Out = T>
using Function = Out (*)(T, T);

// Division rounds towards zero; by zero it gives 0, as there is no exception to raise.
template <class T>
T quotient(T a, T b) {
  if (b == 0) return 0;
  if (b == static_cast<T>(-1)) return wrapped<T>(-static_cast<uint64_t>(a));
  return static_cast<T>(a / b);
}

// The remainder with the divisor's sign (Python's %), or the dividend's (C's fmod).
template <class T, bool fmod>
T remainder(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    const T r = std::fmod(a, b);
    return !fmod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
  } else {
    if (b == 0 || b == static_cast<T>(-1)) return 0;
    const T r = static_cast<T>(a % b);
    return !fmod && r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
  }
}

template <class T>
Function<T> arithmetic(const std::string& op, bool fmod) {
  if constexpr (std::is_floating_point_v<T>) {
    if (op == "Add" || op == "Sum" || op == "Mean") return [](T a, T b) { return a + b; };
    if (op == "Sub") return [](T a, T b) { return a - b; };
    if (op == "Mul") return [](T a, T b) { return a * b; };
    if (op == "Div") return [](T a, T b) { return a / b; };
    if (op == "PRelu") return [](T x, T slope) { return x < 0 ? x * slope : x; };
    // NaN wins, as in numpy.
    if (op == "Min") return [](T a, T b) { return a < b || std::isnan(a) ? a : b; };
    if (op == "Max") return [](T a, T b) { return a > b || std::isnan(a) ? a : b; };
  } else {
    using U = uint64_t;
    if (op == "Add")
      return [](T a, T b) { return wrapped<T>(static_cast<U>(a) + static_cast<U>(b)); };
    if (op == "Sub")
      return [](T a, T b) { return wrapped<T>(static_cast<U>(a) - static_cast<U>(b)); };
    if (op == "Mul")
      return [](T a, T b) { return wrapped<T>(static_cast<U>(a) * static_cast<U>(b)); };
    if (op == "Div") return quotient<T>;
    if (op == "PRelu") {
      return [](T a, T b) { return a < 0 ? wrapped<T>(static_cast<U>(a) * static_cast<U>(b)) : a; };
    }
    if (op == "Min") return [](T a, T b) { return std::min(a, b); };
    if (op == "Max") return [](T a, T b) { return std::max(a, b); };
    if (op == "BitwiseAnd") return [](T a, T b) { return static_cast<T>(a & b); };
    if (op == "BitwiseOr") return [](T a, T b) { return static_cast<T>(a | b); };
    if (op == "BitwiseXor") return [](T a, T b) { return static_cast<T>(a ^ b); };
  }
  if (op == "Mod") return fmod ? remainder<T, true> : remainder<T, false>;
  throw Bug("no arithmetic for " + op);
}

template <class T>
Function<T, uint8_t> comparison(const std::string& op) {
  if (op == "Equal") return [](T a, T b) { return static_cast<uint8_t>(a == b); };
  if (op == "Less") return [](T a, T b) { return static_cast<uint8_t>(a < b); };
  if (op == "LessOrEqual") return [](T a, T b) { return static_cast<uint8_t>(a <= b); };
  if (op == "Greater") return [](T a, T b) { return static_cast<uint8_t>(a > b); };
  if (op == "GreaterOrEqual") return [](T a, T b) { return static_cast<uint8_t>(a >= b); };
  throw Bug("no comparison for " + op);
}

Kernel make_integer_binary(const StepSpec& step) {
  const BinaryRequantize r = binary_requantize(step);
  Kernel kernel =
      combined<uint8_t, uint8_t, uint8_t>(step, [=](uint8_t a, uint8_t b) { return r.code(a, b); });
  kernel.name = "reference-" + step.node.op + "-u8";
  return kernel;
}

// Integer powers wrap; a negative exponent truncates towards zero.
template <class A, class B>
A power(A base, B exponent) {
  if constexpr (std::is_floating_point_v<A>) {
    return static_cast<A>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  } else if constexpr (std::is_floating_point_v<B>) {
    const double y = std::pow(static_cast<double>(base), static_cast<double>(exponent));
    // What does not fit becomes the smallest value, as hardware conversions do.
    const bool fits = y >= -9.2e18 && y <= 9.2e18;
    return wrapped<A>(static_cast<uint64_t>(fits ? static_cast<int64_t>(y) : INT64_MIN));
  } else {
    if (exponent < 0) return static_cast<A>(base == 1 ? 1 : 0);
    uint64_t result = 1;
    uint64_t factor = static_cast<uint64_t>(base);
    for (auto e = static_cast<uint64_t>(exponent); e != 0; e >>= 1, factor *= factor) {
      if ((e & 1) != 0) result *= factor;
    }
    return wrapped<A>(result);
  }
}

}  // namespace

Kernel make_binary(const StepSpec& step) {
  if (step.integer) return make_integer_binary(step);
  const bool fmod = ir::attr_int(step.node, "fmod", 0) != 0;
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Function<T> function = arithmetic<T>(step.node.op, fmod);
    if constexpr (std::is_same_v<T, float>) {
      if (step.clamp.active()) {
        return combined<T, T, T>(step, [function, clamp = step.clamp](T a, T b) {
          const T y = function(a, b);
          return y < clamp.low ? clamp.low : y > clamp.high ? clamp.high : y;
        });
      }
    }
    return combined<T, T, T>(step, function);
  });
}

Kernel make_comparison(const StepSpec& step) {
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    return combined<T, T, uint8_t>(step, comparison<T>(step.node.op));
  });
}

Kernel make_logic(const StepSpec& step) {
  const std::string& op = step.node.op;
  Function<uint8_t> function = [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a & b); };
  if (op == "Or") function = [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a | b); };
  if (op == "Xor") function = [](uint8_t a, uint8_t b) { return static_cast<uint8_t>(a ^ b); };
  return combined<uint8_t, uint8_t, uint8_t>(
      step, [=](uint8_t a, uint8_t b) { return function(a != 0 ? 1 : 0, b != 0 ? 1 : 0); });
}

Kernel make_power(const StepSpec& step) {
  return for_type(step, step.input(0).dtype, Types<float, int64_t, int32_t>(), [&]<class A>() {
    return for_type(step, step.input(1).dtype, Types<float, int64_t, int32_t>(),
                    [&]<class B>() { return combined<A, B, A>(step, power<A, B>); });
  });
}

Kernel make_bit_shift(const StepSpec& step) {
  const bool left = ir::attr_string(step.node, "direction", "") == "LEFT";
  return for_type(step, step.input(0).dtype, Integers(), [&]<class T>() {
    return combined<T, T, T>(step, [=](T a, T by) {
      // Shifting by the width or more leaves nothing.
      if (by < 0 || static_cast<uint64_t>(by) >= 8 * sizeof(T)) return T{0};
      using Unsigned = std::make_unsigned_t<T>;
      const auto bits = static_cast<uint64_t>(static_cast<Unsigned>(a));
      return wrapped<T>(left ? bits << by : bits >> by);
    });
  });
}

// Min, Max, Sum and Mean of any number of operands: the output accumulates one after another.
Kernel make_variadic(const StepSpec& step) {
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Function<T> function = arithmetic<T>(step.node.op, false);
    const ir::Dims dims = step.output().dims;
    struct Term {
      Source<T> source;
      std::vector<int64_t> strides;
    };
    std::vector<Term> terms;
    for (int i = 0; i < static_cast<int>(step.inputs.size()); ++i) {
      terms.push_back({Source<T>(step, i), broadcast_strides(step.input(i).dims, dims)});
    }
    const T divisor = step.node.op == "Mean" ? static_cast<T>(terms.size()) : T{1};
    const int64_t count = step.output().count();
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=, index = std::vector<int64_t>(dims.size())](const RunArgs& args) mutable {
      T* out = args.out<T>();
      for (size_t n = 0; n < terms.size(); ++n) {
        const T* in = terms[n].source.get(args);
        walk(dims, terms[n].strides, index,
             [&](int64_t i, int64_t at) { out[i] = n == 0 ? in[at] : function(out[i], in[at]); });
      }
      for (int64_t i = 0; divisor != 1 && i < count; ++i) out[i] = static_cast<T>(out[i] / divisor);
    };
    return kernel;
  });
}

Kernel make_where(const StepSpec& step) {
  using ByWidth = Types<uint8_t, int16_t, int32_t, int64_t>;
  static constexpr ir::DType kOfWidth[] = {ir::DType::kU8, ir::DType::kI16, ir::DType::kI32,
                                           ir::DType::kI64};
  const int bits = ir::info(step.output().dtype).bits;
  const size_t width = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
  return for_type(step, kOfWidth[width], ByWidth(), [&]<class T>() {
    const ir::Dims dims = step.output().dims;
    const std::array strides = {broadcast_strides(step.input(0).dims, dims),
                                broadcast_strides(step.input(1).dims, dims),
                                broadcast_strides(step.input(2).dims, dims)};
    const std::array sources = {ByteSource(step, 0), ByteSource(step, 1), ByteSource(step, 2)};
    Kernel kernel{.name = "reference-Where"};
    kernel.run = [=, index = std::vector<int64_t>(dims.size())](const RunArgs& args) mutable {
      const auto* condition = reinterpret_cast<const uint8_t*>(sources[0].get(args));
      const T* a = reinterpret_cast<const T*>(sources[1].get(args));
      const T* b = reinterpret_cast<const T*>(sources[2].get(args));
      T* out = args.out<T>();
      walk_together(dims, strides, index, [&](int64_t i, const std::array<int64_t, 3>& at) {
        out[i] = condition[at[0]] != 0 ? a[at[1]] : b[at[2]];
      });
    };
    return kernel;
  });
}

}  // namespace pare::runtime::reference
