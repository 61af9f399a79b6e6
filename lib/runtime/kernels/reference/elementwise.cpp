// SPDX-License-Identifier: Apache-2.0
// Functions of one element, in f32, in integers and on codes; batch normalisation.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/scalar_functions.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

namespace {

Kernel make_table(const StepSpec& step, const ScalarFunction& function) {
  const auto table = std::make_shared<const std::array<uint8_t, 256>>(code_table(step, function));
  const int64_t count = step.output().count();
  Kernel kernel{.name = "reference-table-u8"};
  kernel.packed_bytes = 256;
  kernel.run = [=](const RunArgs& args) {
    const uint8_t* in = args.in<uint8_t>(0);
    uint8_t* out = args.out<uint8_t>();
    const uint8_t* entries = table->data();
    for (int64_t i = 0; i < count; ++i) out[i] = entries[in[i]];
  };
  return kernel;
}

Kernel make_map(const StepSpec& step, const ScalarFunction& function) {
  if (step.integer) return make_table(step, function);
  const FloatSource source(step, 0);
  const int64_t count = step.output().count();
  Kernel kernel{.name = "reference-" + step.node.op};
  kernel.run = [=](const RunArgs& args) {
    const float* in = source.get(args);
    for (int64_t i = 0; i < count; ++i) args.out<float>()[i] = function(in[i]);
  };
  return kernel;
}

// out[i] = function(in[i]).
template <class In, class Out = In, class Function>
Kernel mapped(const StepSpec& step, const Function& function) {
  const Source<In> source(step, 0);
  const int64_t count = step.output().count();
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    const In* in = source.get(args);
    Out* out = args.out<Out>();
    for (int64_t i = 0; i < count; ++i) out[i] = function(in[i]);
  };
  return kernel;
}

template <class T>
using Function = T (*)(T);

template <class T>
Function<T> integer_function(const std::string& op) {
  if (op == "Abs") return [](T x) { return x < 0 ? wrapped<T>(-static_cast<uint64_t>(x)) : x; };
  if (op == "Neg") return [](T x) { return wrapped<T>(-static_cast<uint64_t>(x)); };
  if (op == "Sign") return [](T x) { return static_cast<T>((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0)); };
  if (op == "Relu") return [](T x) { return std::max(x, T{0}); };
  if (op == "BitwiseNot") return [](T x) { return wrapped<T>(~static_cast<uint64_t>(x)); };
  throw Bug("no integer function for " + op);
}

}  // namespace

Kernel make_unary(const StepSpec& step) {
  if (step.input(0).dtype == ir::DType::kF32 || step.integer) {
    return make_map(step, scalar_function(step.node));
  }
  return for_type(step, step.input(0).dtype, Integers(),
                  [&]<class T>() { return mapped<T>(step, integer_function<T>(step.node.op)); });
}

Kernel make_clip(const StepSpec& step) {
  if (step.input(0).dtype == ir::DType::kF32 || step.integer) {
    return make_map(step, clip_function(step));
  }
  return for_type(step, step.input(0).dtype, Integers(), [&]<class T>() {
    const auto bound = [&](int input, T absent) {
      return step.has_input(input) ? static_cast<T>(constant_integers(step, input).at(0)) : absent;
    };
    const T low = bound(1, std::numeric_limits<T>::min());
    const T high = bound(2, std::numeric_limits<T>::max());
    return mapped<T>(step, [=](T x) { return std::min(std::max(x, low), high); });
  });
}

Kernel make_not(const StepSpec& step) {
  return mapped<uint8_t>(step, [](uint8_t x) -> uint8_t { return x == 0 ? 1 : 0; });
}

Kernel make_is_nan(const StepSpec& step) {
  return mapped<float, uint8_t>(step, [](float x) -> uint8_t { return std::isnan(x) ? 1 : 0; });
}

Kernel make_is_inf(const StepSpec& step) {
  const bool negative = ir::attr_int(step.node, "detect_negative", 1) != 0;
  const bool positive = ir::attr_int(step.node, "detect_positive", 1) != 0;
  return mapped<float, uint8_t>(step, [=](float x) -> uint8_t {
    return std::isinf(x) && (x < 0 ? negative : positive) ? 1 : 0;
  });
}

// ONNX BatchNormalization, inference form: y = (x - mean) / sqrt(variance + epsilon) * scale +
// bias.
Kernel make_batch_norm(const StepSpec& step) {
  const FloatSource x_source(step, 0);
  std::array<FloatSource, 4> sources;
  for (int i = 0; i < 4; ++i) sources[static_cast<size_t>(i)] = FloatSource(step, i + 1);
  const float epsilon = ir::attr_float(step.node, "epsilon", 1e-5F);
  const ir::Dims& dims = step.output().dims;
  const int64_t count = step.output().count();
  const int64_t channels = dims.size() < 2 ? 1 : dims[1];
  int64_t inner = 1;
  for (size_t d = 2; d < dims.size(); ++d) inner *= dims[d];
  Kernel kernel{.name = "reference-BatchNormalization"};
  kernel.run = [=](const RunArgs& args) {
    const float* x = x_source.get(args);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t c = i / inner % channels;
      const float scale = sources[0].get(args)[c] / std::sqrt(sources[3].get(args)[c] + epsilon);
      args.out<float>()[i] = (x[i] - sources[2].get(args)[c]) * scale + sources[1].get(args)[c];
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
