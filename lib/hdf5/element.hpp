// SPDX-License-Identifier: Apache-2.0
// Element types of HDF5 arrays as this program handles them: always little-endian in memory and in
// what it writes, whatever byte order a file uses. A superset of ir::DType, for data sets made by
// others.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pare::hdf5 {

enum class Element : uint8_t {
  kI8,
  kU8,
  kI16,
  kU16,
  kI32,
  kU32,
  kI64,
  kU64,
  kF16,
  kF32,
  kF64,
  kText,  // fixed-length strings, padded; the array says how long
};

struct ElementInfo {
  Element element;
  std::string_view name;  // "u8", "f32"
  int bytes;              // 0 for text
};

const ElementInfo& info(Element element);
std::optional<Element> element_from_name(std::string_view name);

}  // namespace pare::hdf5
