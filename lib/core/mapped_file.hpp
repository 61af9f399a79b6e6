// SPDX-License-Identifier: Apache-2.0
// A read-only private mapping of a whole regular file. The mapping lives as long as any shared
// owner (tensors keep one), also after the file is renamed over or unlinked.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace pare {

class MappedFile {
 public:
  // Throws Error(path, ...): missing, not a regular file, unreadable, empty.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const std::byte* data, size_t size);
  std::string path_;
  const std::byte* data_;
  size_t size_;
};

}  // namespace pare
