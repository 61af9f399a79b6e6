// SPDX-License-Identifier: Apache-2.0
// The table of element types, in the order of the enumeration.
#include "lib/ir/dtype.hpp"

#include <array>
#include <cstddef>

#include "lib/core/error.hpp"

namespace pare::ir {

namespace {

constexpr std::array<DTypeInfo, 11> kDTypes{{
    {DType::kF32, "f32", 32, true, true},
    {DType::kF16, "f16", 16, true, true},
    {DType::kBF16, "bf16", 16, true, true},
    {DType::kI64, "i64", 64, false, true},
    {DType::kI32, "i32", 32, false, true},
    {DType::kI16, "i16", 16, false, true},
    {DType::kI8, "i8", 8, false, true},
    {DType::kU8, "u8", 8, false, false},
    {DType::kI4, "i4", 4, false, true},
    {DType::kU4, "u4", 4, false, false},
    {DType::kBool, "bool", 8, false, false},
}};

constexpr bool rows_are_in_enum_order() {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (static_cast<size_t>(kDTypes[i].dtype) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_enum_order());

}  // namespace

const DTypeInfo& info(DType dtype) { return kDTypes.at(static_cast<size_t>(dtype)); }

std::span<const DTypeInfo> all_dtypes() { return kDTypes; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeInfo& row : kDTypes) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

int64_t min_code(DType dtype) {
  const DTypeInfo& row = info(dtype);
  require(!row.is_float, "codes are integers");
  return row.is_signed ? -static_cast<int64_t>(uint64_t{1} << (row.bits - 2)) * 2 : 0;
}

int64_t max_code(DType dtype) {
  const DTypeInfo& row = info(dtype);
  require(!row.is_float, "codes are integers");
  if (dtype == DType::kBool) return 1;
  const int magnitude_bits = row.is_signed ? row.bits - 1 : row.bits;
  return static_cast<int64_t>((uint64_t{1} << magnitude_bits) - 1);
}

}  // namespace pare::ir
