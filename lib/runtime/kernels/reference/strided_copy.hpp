// SPDX-License-Identifier: Apache-2.0
// Copies elements of any size, read with strides and written in row-major order: what Transpose,
// Slice, Expand and others of their kind come down to.
#pragma once

#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

inline int64_t element_bytes(const Operand& operand) { return ir::info(operand.dtype).bits / 8; }

struct StridedCopy {
  ir::Dims dims;
  std::vector<int64_t> strides;
  int64_t base = 0;
  int64_t size = 4;

  template <class T>
  void copy_as(const std::byte* in, std::byte* out, std::vector<int64_t>& index) const {
    const T* from = reinterpret_cast<const T*>(in) + base;
    T* to = reinterpret_cast<T*>(out);
    walk(dims, strides, index, [&](int64_t i, int64_t offset) { to[i] = from[offset]; });
  }
  void copy(const std::byte* in, std::byte* out, std::vector<int64_t>& index) const {
    if (size == 1) return copy_as<uint8_t>(in, out, index);
    if (size == 2) return copy_as<uint16_t>(in, out, index);
    if (size == 4) return copy_as<uint32_t>(in, out, index);
    copy_as<uint64_t>(in, out, index);
  }
};

// Reads input 0; writes output 0.
inline Kernel strided_kernel(const StepSpec& step, StridedCopy copy) {
  const ByteSource source(step, 0);
  copy.size = element_bytes(step.output());
  Kernel kernel{.name = "copy-" + step.node.op};
  kernel.run = [=, index = std::vector<int64_t>(copy.dims.size())](const RunArgs& args) mutable {
    copy.copy(source.get(args), args.out<std::byte>(), index);
  };
  return kernel;
}

}  // namespace pare::runtime::reference
