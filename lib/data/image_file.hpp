// SPDX-License-Identifier: Apache-2.0
// One PNG or JPEG file to planar bytes, through libpng and libjpeg. Sizes are checked against the
// compressed bytes before anything is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pare::data {

struct Image {
  int64_t channels = 0;  // 1 grey, 3 RGB
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> planes;  // [channels][height][width]
};

// Alpha is dropped, palettes are expanded, 16 bits become 8.
// Throws Error(path) on a file that is neither PNG nor JPEG, damaged, truncated, or larger than
// kMaxImageSide a side.
Image read_image(const std::string& path);
constexpr int64_t kMaxImageSide = 16'384;

}  // namespace pare::data
