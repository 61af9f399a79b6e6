// SPDX-License-Identifier: Apache-2.0
// Element types of ONNX and of the IR. Types that the IR lacks are widened where no value is lost
// (u16 to i32, u32 to i64); 64-bit floats become 32-bit ones, and u64 becomes i64 where it fits.
#pragma once

#include <optional>
#include <string>

#include "lib/ir/dtype.hpp"

namespace pare::formats {

// The IR's type for TensorProto.DataType `type`; null for strings, complex numbers, 8-bit floats.
std::optional<ir::DType> dtype_of_onnx(int type);
int onnx_type_of(ir::DType dtype);
// "FLOAT16"; "type 42" when unknown.
std::string onnx_type_name(int type);

}  // namespace pare::formats
