// SPDX-License-Identifier: Apache-2.0
// NPZ: a zip archive of NPY members, each named after its array. Written stored and without times,
// so that the same arrays give the same bytes; read stored or deflated.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/numpy/array.hpp"
#include "lib/numpy/zip_archive.hpp"

namespace pare::numpy {

using NamedArray = std::pair<std::string, Array>;
// In the order given. Atomic. Throws Error(path) when it cannot be written, or above 4 GiB.
void write_npz(std::span<const NamedArray> arrays, const std::string& path);

class NpzReader {
 public:
  // Throws Error(path) as ZipArchive does, and when two members are the same array.
  explicit NpzReader(const std::string& path);
  std::vector<std::string> names() const;         // sorted, without ".npy"
  std::vector<std::string> stored_names() const;  // the same in the order of the archive
  // An array of names(), valid also without the reader. Throws Error(path: name) as parse_npy does
  // and on a wrong checksum.
  Array load(const std::string& name) const;

 private:
  ZipArchive archive_;
  std::vector<std::string> stored_names_;
  std::map<std::string, size_t> members_;
};

}  // namespace pare::numpy
