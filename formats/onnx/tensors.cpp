// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/tensors.hpp"

#include <cstring>
#include <limits>

#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "lib/core/checked.hpp"

namespace pare::formats {

namespace {

using Proto = onnx::TensorProto;

[[noreturn]] void wrong_size(const std::string& name, int64_t found, int64_t expected,
                             const char* what) {
  throw Error(name, "holds " + std::to_string(found) + " " + what + ", its shape takes " +
                        std::to_string(expected));
}

// Bytes of one element as the file has them; 0 for two a byte.
int64_t stored_element_bytes(int type) {
  switch (type) {
    case Proto::DOUBLE:
    case Proto::UINT64:
    case Proto::INT64:
      return 8;
    case Proto::FLOAT:
    case Proto::INT32:
    case Proto::UINT32:
      return 4;
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::UINT16:
    case Proto::INT16:
      return 2;
    case Proto::INT4:
    case Proto::UINT4:
      return 0;
    default:
      return 1;
  }
}

// Copies the elements of a typed field, each cast to T.
template <class T, class Field>
ir::Bytes copied(const Field& field, int64_t count, const std::string& name) {
  if (field.size() != count) wrong_size(name, field.size(), count, "elements");
  ir::Bytes out(static_cast<size_t>(count) * sizeof(T));
  for (int64_t i = 0; i < count; ++i) {
    const T value = static_cast<T>(field.Get(static_cast<int>(i)));
    std::memcpy(out.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  return out;
}

// The bytes that raw_data would have held.
ir::Bytes from_typed_field(const Proto& proto, int64_t count, const std::string& name) {
  switch (proto.data_type()) {
    case Proto::FLOAT:
      return copied<float>(proto.float_data(), count, name);
    case Proto::DOUBLE:
      return copied<double>(proto.double_data(), count, name);
    case Proto::INT64:
      return copied<int64_t>(proto.int64_data(), count, name);
    case Proto::UINT64:
      return copied<uint64_t>(proto.uint64_data(), count, name);
    case Proto::UINT32:
      return copied<uint32_t>(proto.uint64_data(), count, name);
    case Proto::INT32:
      return copied<int32_t>(proto.int32_data(), count, name);
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::UINT16:
    case Proto::INT16:
      return copied<uint16_t>(proto.int32_data(), count, name);
    case Proto::INT4:
    case Proto::UINT4:
      return copied<uint8_t>(proto.int32_data(), (count + 1) / 2, name);
    default:
      return copied<uint8_t>(proto.int32_data(), count, name);
  }
}

template <class From, class To>
ir::Buffer widened(const ir::Buffer& buffer, int64_t count, const std::string& name) {
  const ir::BufferView view = buffer.view();
  ir::Bytes out(static_cast<size_t>(count) * sizeof(To));
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    From from;
    std::memcpy(&from, view.bytes().data() + i * sizeof(From), sizeof(From));
    if constexpr (std::is_same_v<From, uint64_t>) {
      if (from > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        throw Error(name, "holds " + std::to_string(from) + ", above 2^63");
      }
    }
    const To to = static_cast<To>(from);
    std::memcpy(out.data() + i * sizeof(To), &to, sizeof(To));
  }
  return ir::Buffer::heap(std::move(out));
}

// Types the IR lacks become ones it has.
ir::Buffer converted(int type, ir::Buffer buffer, int64_t count, const std::string& name) {
  switch (type) {
    case Proto::DOUBLE:
      return widened<double, float>(buffer, count, name);
    case Proto::UINT16:
      return widened<uint16_t, int32_t>(buffer, count, name);
    case Proto::UINT32:
      return widened<uint32_t, int64_t>(buffer, count, name);
    case Proto::UINT64:
      return widened<uint64_t, int64_t>(buffer, count, name);
    default:
      return buffer;
  }
}

ir::Buffer stored_bytes(Proto& proto, int64_t count, int64_t bytes, ExternalData& external,
                        const std::string& name) {
  if (proto.data_location() == Proto::EXTERNAL) return external.of(proto, bytes);
  if (!proto.has_raw_data()) return ir::Buffer::heap(from_typed_field(proto, count, name));
  if (static_cast<int64_t>(proto.raw_data().size()) != bytes) {
    wrong_size(name, static_cast<int64_t>(proto.raw_data().size()), bytes, "bytes");
  }
  const auto owner = std::make_shared<std::string>(std::move(*proto.mutable_raw_data()));
  return ir::Buffer::mapped(std::as_bytes(std::span(*owner)), owner);
}

}  // namespace

ir::Tensor decode_tensor(Proto& proto, ExternalData& external) {
  const std::string name = escaped(proto.name().empty() ? "tensor" : proto.name());
  const std::optional<ir::DType> dtype = dtype_of_onnx(proto.data_type());
  if (!dtype) throw Error(name, "element type " + onnx_type_name(proto.data_type()));
  const ir::Dims dims(proto.dims().begin(), proto.dims().end());
  const int64_t count = ir::element_count(dims, name);
  const int64_t each = stored_element_bytes(proto.data_type());
  const int64_t bytes = each == 0 ? count / 2 + count % 2 : checked_mul(count, each, name);
  ir::Buffer stored = stored_bytes(proto, count, bytes, external, name);
  return ir::Tensor(*dtype, dims, converted(proto.data_type(), std::move(stored), count, name));
}

}  // namespace pare::formats
