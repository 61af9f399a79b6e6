// SPDX-License-Identifier: Apache-2.0
// Members of a zip archive (PKWARE APPNOTE 6.3.10, with zip64), stored or deflated, as NPZ files
// use them. The central directory is believed only after every range lies inside the file and none
// overlap.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/core/mapped_file.hpp"

namespace pare::numpy {

class ZipArchive {
 public:
  struct Member {
    std::string name;
    bool deflated = false;
    uint32_t crc = 0;
    int64_t size = 0;
    std::span<const std::byte> stored;
  };

  // Throws Error(path) on anything but a plain zip archive: damaged, encrypted, split, other
  // compression, names used twice, members that overlap.
  explicit ZipArchive(const std::string& path);
  const std::vector<Member>& members() const { return members_; }
  const std::string& path() const { return file_->path(); }
  struct Content {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;  // keeps `bytes` valid, also without the archive
  };
  // The member's bytes, checksum verified: a view of the file unless they had to be decompressed.
  Content read(const Member& member) const;

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<Member> members_;
};

}  // namespace pare::numpy
