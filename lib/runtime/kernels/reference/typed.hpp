// SPDX-License-Identifier: Apache-2.0
// From a dtype to a C++ type: reference kernels are templates over the element type, instantiated
// for the types their operator takes. bool elements are bytes holding 0 or 1.
#pragma once

#include <type_traits>

#include "lib/core/error.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::reference {

template <class... Ts>
struct Types {};
using Integers = Types<int64_t, int32_t, int16_t, int8_t, uint8_t>;
using Numbers = Types<float, int64_t, int32_t, int16_t, int8_t, uint8_t>;

template <class T>
constexpr ir::DType kDTypeOf = std::is_same_v<T, float>     ? ir::DType::kF32
                               : std::is_same_v<T, int64_t> ? ir::DType::kI64
                               : std::is_same_v<T, int32_t> ? ir::DType::kI32
                               : std::is_same_v<T, int16_t> ? ir::DType::kI16
                               : std::is_same_v<T, int8_t>  ? ir::DType::kI8
                                                            : ir::DType::kU8;

// make.operator()<T>() for the one of Ts that `dtype` is stored as. Throws Error(step.name).
template <class... Ts, class Make>
Kernel for_type(const StepSpec& step, ir::DType dtype, Types<Ts...>, const Make& make) {
  if (dtype == ir::DType::kBool) dtype = ir::DType::kU8;
  Kernel kernel;
  const bool found =
      ((dtype == kDTypeOf<Ts> && (kernel = make.template operator()<Ts>(), true)) || ...);
  if (!found) {
    throw Error(step.name,
                step.node.op + " of " + std::string(ir::name_of(dtype)) + " has no kernel");
  }
  return kernel;
}

// Integer arithmetic wraps, as numpy's does; done in unsigned 64-bit it is defined for all values.
template <class T>
T wrapped(uint64_t value) {
  return static_cast<T>(value);
}

inline std::string reference_name(const StepSpec& step) {
  std::string name = "reference-" + step.node.op;
  const ir::DType dtype = step.inputs.empty() ? step.output().dtype : step.input(0).dtype;
  if (dtype != ir::DType::kF32) name += "-" + std::string(ir::name_of(dtype));
  return name;
}

}  // namespace pare::runtime::reference
