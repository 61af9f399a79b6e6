// SPDX-License-Identifier: Apache-2.0
// Arrays of a stranger's HDF5 file. libhdf5 crashes on damaged files, so it never parses one in
// this process: a forked child under resource limits does, and hands back a plain index (name,
// type, dims, offset, size) that is validated here. Contiguous little-endian arrays are then views
// of the mapped file, without a copy; chunked, filtered or big-endian ones are decoded by the child
// into shared memory. External links and files, virtual data sets and plug-in filters are never
// followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/hdf5/element.hpp"

namespace pare::hdf5 {

struct Array {
  std::string name;  // path without the leading slash: "train/images"
  Element element = Element::kU8;
  int64_t element_bytes = 1;  // differs from info(element).bytes for text only
  std::vector<int64_t> dims;  // {} : a scalar
  // Row-major, little-endian. Aligned only as the file aligned it: a stranger's may be at any
  // address, so copy before reading elements wider than a byte. Null when not decoded (see
  // ReadOptions::only).
  std::span<const std::byte> bytes;
  int64_t file_offset = -1;  // where in the file the bytes lie, -1 when decoded
  int64_t stored_bytes = 0;  // what the file spends on them: less than bytes.size() when compressed
};

struct Index {
  std::string path;
  int64_t file_bytes = 0;
  std::vector<Array> arrays;                  // sorted by name
  std::map<std::string, int64_t> attributes;  // integer scalars of the root group
  // String attributes by group ("" is the root) and name, a scalar as a list of one; every group is
  // listed. Empty unless ReadOptions asks for them. Invalid UTF-8 is replaced.
  std::map<std::string, std::map<std::string, std::vector<std::string>>> texts;
  std::vector<std::string> unsupported;  // arrays of other types (compound, variable-length)
  std::shared_ptr<const void> owner;     // keeps every `bytes` valid

  const Array* find(std::string_view name) const;  // null when absent
};

struct ReadOptions {
  // When not empty, only these arrays are listed; nothing else is decoded.
  std::vector<std::string> only = {};
  // Decoded bytes of all arrays together, beside what the file's own size bounds: deflate's 1,032
  // bytes for each of its bytes.
  int64_t max_decoded_bytes = int64_t{8} << 30;
  // String attributes of all groups together; 0: they are not listed.
  int64_t max_text_bytes = 0;
};

// Throws Error(path, ...): missing, a folder, empty, "is not an HDF5 file", "damaged HDF5 file",
// more than max_decoded_bytes or max_text_bytes, overlapping arrays.
Index read(const std::string& path, const ReadOptions& options = {});

// Whether the first bytes of a file are HDF5's signature.
bool has_signature(std::span<const std::byte> head);

}  // namespace pare::hdf5
