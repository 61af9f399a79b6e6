// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/array.hpp"

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "lib/core/error.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::numpy {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they are stored");

struct Half {
  uint16_t bits = 0;
  operator float() const { return ir::f16_to_f32(bits); }  // NOLINT(google-explicit-constructor)
};

// Calls visit(number) for every element in order; the number has the element's own type.
template <class Visit>
void for_each_number(const Array& array, const Visit& visit) {
  const auto each = [&]<class T>(T value) {
    for (size_t at = 0; at < array.bytes.size(); at += sizeof value) {
      std::memcpy(&value, array.bytes.data() + at, sizeof value);
      visit(value);
    }
  };
  const int64_t bytes = array.type.bytes;
  switch (array.type.kind) {
    case Kind::kFloat:
      return bytes == 2 ? each(Half{}) : bytes == 4 ? each(float{}) : each(double{});
    case Kind::kSigned:
      return bytes == 1   ? each(int8_t{})
             : bytes == 2 ? each(int16_t{})
             : bytes == 4 ? each(int32_t{})
                          : each(int64_t{});
    case Kind::kBool:
    case Kind::kUnsigned:
      return bytes == 1   ? each(uint8_t{})
             : bytes == 2 ? each(uint16_t{})
             : bytes == 4 ? each(uint32_t{})
                          : each(uint64_t{});
    case Kind::kUnicode:
    case Kind::kBytes:
      break;
  }
  throw Bug("numpy: text is refused before");
}

template <class T>
Array view(ElementType type, ir::Dims dims, std::span<const T> values) {
  require(ir::element_count(dims) == static_cast<int64_t>(values.size()), "array dims fit values");
  return {type, std::move(dims), std::as_bytes(values), nullptr};
}

}  // namespace

std::string descr_of(ElementType type) {
  const bool ordered = type.bytes > 1 && type.kind != Kind::kBytes;
  const int64_t size = type.kind == Kind::kUnicode ? type.bytes / 4 : type.bytes;
  return std::string{ordered ? '<' : '|', static_cast<char>(type.kind)} + std::to_string(size);
}

Array view_of(ir::Dims dims, std::span<const float> values) {
  return view({Kind::kFloat, 4}, std::move(dims), values);
}

Array view_of(ir::Dims dims, std::span<const int64_t> values) {
  return view({Kind::kSigned, 8}, std::move(dims), values);
}

std::vector<float> to_f32(const Array& array, std::string_view subject) {
  if (array.type.is_text()) throw Error(subject, "expected numbers, found text");
  std::vector<float> out;
  out.reserve(array.bytes.size() / static_cast<size_t>(array.type.bytes));
  for_each_number(array, [&](auto value) { out.push_back(static_cast<float>(value)); });
  return out;
}

std::vector<int64_t> to_i64(const Array& array, std::string_view subject) {
  if (!array.type.is_integer()) {
    throw Error(subject, "expected integers, found '" + descr_of(array.type) + "'");
  }
  std::vector<int64_t> out;
  out.reserve(array.bytes.size() / static_cast<size_t>(array.type.bytes));
  for_each_number(array, [&](auto value) {
    if constexpr (std::is_integral_v<decltype(value)>) {
      if (!std::in_range<int64_t>(value)) throw Error(subject, "integer out of range");
      out.push_back(static_cast<int64_t>(value));
    }
  });
  return out;
}

}  // namespace pare::numpy
