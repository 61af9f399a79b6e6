// SPDX-License-Identifier: Apache-2.0
// Arrays in NumPy's own files, as far as predictions need them. NPY: magic, version, a Python
// dictionary as text, row-major values (NumPy Enhancement Proposal 1). NPZ: a ZIP of NPY members
// (PKWARE APPNOTE 6.3). Written stored, without times, so that the same arrays give the same bytes;
// read stored or deflated, ZIP64 excepted.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/ir/buffer.hpp"
#include "lib/ir/shape.hpp"

namespace pare::eval {

struct NpyArray {
  std::string descr;  // "<f4", "<i8", "<U12"
  ir::Dims dims;      // {} for a scalar
  ir::Bytes data;     // row-major, little-endian

  static NpyArray of_f32(ir::Dims dims, std::span<const float> values);
  static NpyArray of_i64(ir::Dims dims, std::span<const int64_t> values);
  // One dimension; or a scalar from a single text.
  static NpyArray of_texts(std::span<const std::string> texts);
  static NpyArray of_text(const std::string& text);
};

// Values of real or integer arrays; throw Error(subject, ...) on another type.
std::vector<float> to_f32(const NpyArray& array, std::string_view subject);
std::vector<int64_t> to_i64(const NpyArray& array, std::string_view subject);
std::vector<std::string> to_texts(const NpyArray& array, std::string_view subject);

using NpzArrays = std::vector<std::pair<std::string, NpyArray>>;
// Throws Error(path) when it cannot be written, or above 4 GiB.
void write_npz(const NpzArrays& arrays, const std::string& path);
// Throws Error(path, ...) on anything malformed; no size is believed before it was checked against
// the file.
std::map<std::string, NpyArray> read_npz(const std::string& path);

// One NPY member, header and data.
std::string npy_bytes(const NpyArray& array);
NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view subject);

}  // namespace pare::eval
