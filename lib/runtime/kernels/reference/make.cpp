// SPDX-License-Identifier: Apache-2.0
// Values made of numbers, of shapes, or of another element type: Cast, Shape, Size, Range,
// ConstantOfShape, Constant.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "lib/ir/infer.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

namespace {

// Floats truncate towards zero and saturate (what C++ leaves undefined); integers wrap.
template <class In, class Out>
Out converted(In x) {
  if constexpr (std::is_same_v<Out, float>) {
    return static_cast<float>(x);
  } else if constexpr (std::is_same_v<In, float>) {
    if (std::isnan(x)) return 0;
    // 2^63 as a float; every narrower integer goes through i64 and wraps, as numpy's do.
    if (x >= 9.2233720e18F) return std::numeric_limits<Out>::max();
    if (x <= -9.2233720e18F) return std::numeric_limits<Out>::min();
    return static_cast<Out>(static_cast<int64_t>(x));
  } else {
    return wrapped<Out>(static_cast<uint64_t>(x));
  }
}

template <class In, class Out, class Function>
Kernel cast_by(const StepSpec& step, const Function& function) {
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

// To a narrower float: the value it would have there.
Kernel rounded(const StepSpec& step, bool half) {
  return cast_by<float, float>(step, [=](float x) {
    return half ? ir::f16_to_f32(ir::f32_to_f16(x)) : ir::bf16_to_f32(ir::f32_to_bf16(x));
  });
}

Kernel bytes_kernel(std::string name, std::vector<std::byte> bytes) {
  Kernel kernel{.name = std::move(name)};
  kernel.run = [bytes = std::move(bytes)](const RunArgs& args) {
    if (!bytes.empty()) std::memcpy(args.out<std::byte>(), bytes.data(), bytes.size());
  };
  return kernel;
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Kernel make_cast(const StepSpec& step) {
  const std::string to = ir::attr_string(step.node, "to", "");
  const bool real = step.input(0).dtype == ir::DType::kF32;
  if (real && (to == "f16" || to == "bf16")) return rounded(step, to == "f16");
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class In>() {
    if (step.output().dtype == ir::DType::kBool) {
      return cast_by<In, uint8_t>(step, [](In x) -> uint8_t { return x != 0 ? 1 : 0; });
    }
    return for_type(step, step.output().dtype, Numbers(),
                    [&]<class Out>() { return cast_by<In, Out>(step, converted<In, Out>); });
  });
}

Kernel make_shape(const StepSpec& step) {
  const auto rank = static_cast<int64_t>(step.input(0).dims.size());
  const int64_t stated = ir::attr_int(step.node, "start", 0);
  const int64_t start = std::clamp<int64_t>(stated < 0 ? stated + rank : stated, 0, rank);
  const auto first = step.input(0).dims.begin() + start;
  return bytes_kernel("shape", bytes_of(ir::Dims(first, first + step.output().count())));
}

Kernel make_size(const StepSpec& step) {
  return bytes_kernel("size", bytes_of(std::vector<int64_t>{step.input(0).count()}));
}

Kernel make_range(const StepSpec& step) {
  return for_type(step, step.output().dtype, Numbers(), [&]<class T>() {
    const Source<T> start(step, 0);
    const Source<T> delta(step, 2);
    const int64_t count = step.output().count();
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=](const RunArgs& args) {
      const T first = start.get(args)[0];
      const T by = delta.get(args)[0];
      T* out = args.out<T>();
      for (int64_t i = 0; i < count; ++i) {
        if constexpr (std::is_floating_point_v<T>) {
          out[i] = first + static_cast<T>(i) * by;
        } else {
          out[i] = wrapped<T>(static_cast<uint64_t>(first) +
                              static_cast<uint64_t>(i) * static_cast<uint64_t>(by));
        }
      }
    };
    return kernel;
  });
}

Kernel make_constant_of_shape(const StepSpec& step) {
  return for_type(step, step.output().dtype, Numbers(), [&]<class T>() {
    const auto it = step.node.attributes.find("value");
    T fill{};
    if (it != step.node.attributes.end() && std::holds_alternative<int64_t>(it->second)) {
      fill = static_cast<T>(std::get<int64_t>(it->second));
    } else {
      fill = converted<float, T>(ir::attr_float(step.node, "value", 0.0F));
    }
    const int64_t count = step.output().count();
    Kernel kernel{.name = "fill"};
    kernel.run = [=](const RunArgs& args) {
      T* out = args.out<T>();
      std::fill(out, out + count, fill);
    };
    return kernel;
  });
}

Kernel make_constant(const StepSpec& step) {
  const ir::Tensor tensor = ir::constant_tensor(step.node);
  const ir::BufferView view = tensor.view();
  return bytes_kernel("constant", {view.bytes().begin(), view.bytes().end()});
}

}  // namespace pare::runtime::reference
