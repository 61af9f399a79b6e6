// SPDX-License-Identifier: Apache-2.0
// The layout of a safetensors file: u64 little-endian size of the header, the header (a JSON
// object, which spaces may pad), then the bytes of all tensors without holes.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/ir/dtype.hpp"
#include "lib/ir/shape.hpp"

namespace pare::formats::safetensors {

inline constexpr uint64_t kLargestHeader = 100'000'000;  // as in the format's own reader
inline constexpr size_t kSizeBytes = 8;

struct Entry {
  std::string name;
  ir::DType dtype = ir::DType::kF32;
  bool is_double = false;  // F64: dtype is what it becomes
  ir::Dims dims;
  std::span<const std::byte> bytes;
};

struct Header {
  std::vector<Entry> tensors;  // in the order of the header
  std::map<std::string, std::string> metadata;
};

// `file` is the whole file. Throws Error(path).
Header parse_header(std::span<const std::byte> file, const std::string& path);
// "F32"; nothing for i4 and u4.
std::optional<std::string_view> dtype_text(ir::DType dtype);

}  // namespace pare::formats::safetensors
