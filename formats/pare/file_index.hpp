// SPDX-License-Identifier: Apache-2.0
// The index of a .pare file: where every part of every tensor lies and what its bytes hash to, as
// the JSON that is stored. docs/format.md is the specification; this is its only implementation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::formats {

// HDF5 names of everything that is not a large tensor part.
inline constexpr std::string_view kVersionAttribute = "pare_format";
inline constexpr std::string_view kIndexArray = "index";
inline constexpr std::string_view kGraphsArray = "graphs";
inline constexpr std::string_view kMetadataArray = "metadata";
inline constexpr std::string_view kSmallArray = "small";

// A part below this many bytes lies in the shared array: an HDF5 array of its own costs about 200.
inline constexpr int64_t kSmallPart = 2048;
// Where parts begin inside the shared array: enough for any element type.
inline constexpr int64_t kSmallAlignment = 8;

struct PartLocation {
  std::optional<ir::Part> part;  // absent: the values of a plain tensor
  ir::DType dtype = ir::DType::kF32;
  ir::Dims dims;
  std::string array;   // HDF5 name of its own array, or ...
  int64_t offset = 0;  // ... when that is empty, its byte offset in the shared one
  std::string hash;    // hash_text() of its bytes
};

struct TensorEntry {
  std::string name;
  ir::Dims dims;
  std::optional<ir::QuantScheme> scheme;
  ir::SparseLayout layout;
  std::vector<PartLocation> parts;
};

struct AssetEntry {
  std::string name;
  std::string array;
  std::string hash;
};

struct FileIndex {
  std::string graphs_hash;
  std::string metadata_hash;
  std::vector<AssetEntry> assets;
  std::vector<TensorEntry> tensors;
};

// The first 128 bits of SHA-256, as 32 hex digits (truncation as in NIST SP 800-107, section 5.1):
// as safe against collisions by accident, and half the bytes in a file of kilobytes.
std::string hash_text(std::span<const std::byte> bytes);

Json to_json(const FileIndex& index);
// Throws Error(subject, ...) on anything missing, of the wrong type or unknown.
FileIndex index_from_json(const Json& json, const std::string& subject);

}  // namespace pare::formats
