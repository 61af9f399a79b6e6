// SPDX-License-Identifier: Apache-2.0
// 64-bit floats as f32, the widest float of a Model; readers say so when they do it.
#pragma once

#include <cstring>
#include <span>

#include "lib/ir/buffer.hpp"

namespace pare::formats {

// `doubles`: little-endian values at any alignment. Beyond f32's range they become infinite.
inline ir::Bytes to_single(std::span<const std::byte> doubles) {
  ir::Bytes out(doubles.size() / 2);
  for (size_t i = 0; i < out.size() / sizeof(float); ++i) {
    double value = 0;
    std::memcpy(&value, doubles.data() + i * sizeof value, sizeof value);
    const auto single = static_cast<float>(value);
    std::memcpy(out.data() + i * sizeof single, &single, sizeof single);
  }
  return out;
}

}  // namespace pare::formats
