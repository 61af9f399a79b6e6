// SPDX-License-Identifier: Apache-2.0
// Writes named arrays as an HDF5 file: atomically (core/output_file.hpp) and deterministically, so
// that the same arrays in the same order give the same bytes. Latest file format, no timestamps,
// checksummed metadata; arrays of 512 bytes and more start at multiples of 64 and are contiguous,
// so that readers can map them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/hdf5/element.hpp"

namespace pare::hdf5 {

class Writer {
 public:
  // `expected_bytes` (0: unknown) are reserved on the disk at once, so that a full one is noticed
  // before the work and not after it. Throws Error(path, ...): see OutputFile; no space left.
  explicit Writer(const std::string& path, int64_t expected_bytes = 0);
  ~Writer();  // without commit(): nothing is left behind
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `bytes` are row-major and little-endian, product(dims) elements. Slashes in a name make groups.
  // Every call throws Error(path) when the disk is full and Bug when a name is used twice.
  void add(const std::string& name, Element element, std::span<const int64_t> dims,
           std::span<const std::byte> bytes);
  // The same, compressed with deflate and checksummed: for text and other bytes that are not
  // mapped.
  void add_deflated(const std::string& name, Element element, std::span<const int64_t> dims,
                    std::span<const std::byte> bytes);

  // An array filled in order: create() once, then append() whole rows (of the first dimension)
  // until all are there. Returns the handle that append() takes.
  int create(const std::string& name, Element element, std::span<const int64_t> dims);
  void append(int array, std::span<const std::byte> rows);

  // An integer attribute of the root group.
  void set_attribute(const std::string& name, int64_t value);

  // Closes the file and puts it under its final name. May be called once, when every created array
  // is full.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pare::hdf5
