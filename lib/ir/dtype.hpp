// SPDX-License-Identifier: Apache-2.0
// Element types. Few by design: how a tensor is quantized is a QuantScheme (parameters), never a
// dtype. Packed layouts: i4/u4 two codes a byte, the even index in the low nibble; bool one byte.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace pare::ir {

enum class DType : uint8_t { kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kI4, kU4, kBool };

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  int bits;
  bool is_float;
  bool is_signed;
};

const DTypeInfo& info(DType dtype);
std::span<const DTypeInfo> all_dtypes();
std::optional<DType> dtype_from_name(std::string_view name);
inline std::string_view name_of(DType dtype) { return info(dtype).name; }
// Smallest and largest integer code of an integer dtype, e.g. i4: -8, 7.
int64_t min_code(DType dtype);
int64_t max_code(DType dtype);

}  // namespace pare::ir
