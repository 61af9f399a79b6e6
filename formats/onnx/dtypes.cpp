// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/dtypes.hpp"

#include "formats/onnx/onnx.pb.h"
#include "lib/core/error.hpp"

namespace pare::formats {

using Proto = onnx::TensorProto;
using ir::DType;

std::optional<DType> dtype_of_onnx(int type) {
  switch (type) {
    case Proto::FLOAT:
    case Proto::DOUBLE:
      return DType::kF32;
    case Proto::FLOAT16:
      return DType::kF16;
    case Proto::BFLOAT16:
      return DType::kBF16;
    case Proto::INT64:
    case Proto::UINT64:
    case Proto::UINT32:
      return DType::kI64;
    case Proto::INT32:
    case Proto::UINT16:
      return DType::kI32;
    case Proto::INT16:
      return DType::kI16;
    case Proto::INT8:
      return DType::kI8;
    case Proto::UINT8:
      return DType::kU8;
    case Proto::INT4:
      return DType::kI4;
    case Proto::UINT4:
      return DType::kU4;
    case Proto::BOOL:
      return DType::kBool;
    default:
      return std::nullopt;
  }
}

int onnx_type_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return Proto::FLOAT;
    case DType::kF16:
      return Proto::FLOAT16;
    case DType::kBF16:
      return Proto::BFLOAT16;
    case DType::kI64:
      return Proto::INT64;
    case DType::kI32:
      return Proto::INT32;
    case DType::kI16:
      return Proto::INT16;
    case DType::kI8:
      return Proto::INT8;
    case DType::kU8:
      return Proto::UINT8;
    case DType::kI4:
      return Proto::INT4;
    case DType::kU4:
      return Proto::UINT4;
    case DType::kBool:
      return Proto::BOOL;
  }
  throw Bug("every dtype has an ONNX type");
}

std::string onnx_type_name(int type) {
  static constexpr const char* kNames[] = {
      "UNDEFINED",      "FLOAT",      "UINT8",          "INT8",       "UINT16",   "INT16",
      "INT32",          "INT64",      "STRING",         "BOOL",       "FLOAT16",  "DOUBLE",
      "UINT32",         "UINT64",     "COMPLEX64",      "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN",
      "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4",      "INT4",     "FLOAT4E2M1"};
  if (type < 0 || static_cast<size_t>(type) >= std::size(kNames)) {
    return "type " + std::to_string(type);
  }
  return kNames[type];
}

}  // namespace pare::formats
