// SPDX-License-Identifier: Apache-2.0
// Writes zip archives (PKWARE APPNOTE 6.3.10) of stored members without times, so that the same
// members give the same bytes. Below 4 GiB: no zip64.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "lib/core/output_file.hpp"

namespace pare::numpy {

class ZipWriter {
 public:
  // Throws Error(path) as OutputFile does.
  explicit ZipWriter(const std::string& path);
  // Appends a member made of `pieces`. Its data begin at a multiple of `alignment`, which an extra
  // field pads. Throws Error(path) above 4 GiB and for more than 65,534 members.
  void add(const std::string& name, std::initializer_list<std::span<const std::byte>> pieces,
           size_t alignment = 1);
  // Writes the directory; the file appears.
  void commit();

 private:
  std::string path_;
  OutputFile file_;
  std::string directory_;
  size_t members_ = 0;
  int64_t offset_ = 0;
};

}  // namespace pare::numpy
