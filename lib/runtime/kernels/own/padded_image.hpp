// SPDX-License-Identifier: Apache-2.0
// A convolution's image of codes with its borders filled in by the zero point, channels last: inner
// loops then need no bounds, and the zero point's products cancel against the corrected bias.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lib/runtime/kernels/geometry.hpp"

namespace pare::runtime::own {

// Room after a buffer for the last step of a run and for whole vectors.
inline constexpr int64_t kSlack = 64;

inline int64_t round_up(int64_t x, int64_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

struct PaddedImage {
  Conv2d g;
  int64_t code_bytes = 1;  // 1: u8 as stored, 2: widened to i16
  bool copied = true;      // false: the image can be read where it is

  PaddedImage(const Conv2d& geometry, int64_t bytes_a_code)
      : g(geometry), code_bytes(bytes_a_code) {
    const bool padded = g.pad_top != 0 || g.pad_left != 0 || g.pad_bottom != 0 || g.pad_right != 0;
    copied = padded || code_bytes != 1;
  }
  int64_t rows() const { return g.height + g.pad_top + g.pad_bottom; }
  int64_t pitch() const { return (g.width + g.pad_left + g.pad_right) * g.channels; }  // codes
  int64_t bytes() const {
    return copied ? round_up(rows() * pitch() * code_bytes + kSlack, 64) : 0;
  }

  // Codes of the bordered image: `from` itself when nothing has to change.
  const std::byte* fill(std::byte* scratch, const uint8_t* from, uint8_t zero) const {
    if (!copied) return reinterpret_cast<const std::byte*>(from);
    if (code_bytes == 1) {
      fill_as(reinterpret_cast<uint8_t*>(scratch), from, zero);
    } else {
      fill_as(reinterpret_cast<int16_t*>(scratch), from, zero);
    }
    return scratch;
  }

 private:
  template <class Code>
  void fill_as(Code* to, const uint8_t* from, uint8_t zero) const {
    const int64_t row = g.width * g.channels;
    const int64_t left = g.pad_left * g.channels;
    std::fill(to, to + g.pad_top * pitch(), Code{zero});
    to += g.pad_top * pitch();
    for (int64_t y = 0; y < g.height; ++y, from += row, to += pitch()) {
      std::fill(to, to + left, Code{zero});
      std::copy(from, from + row, to + left);
      std::fill(to + left + row, to + pitch(), Code{zero});
    }
    std::fill(to, to + g.pad_bottom * pitch(), Code{zero});
  }
};

// bias - z_a * (sum of the channel's weights), in wrapping i32 like the accumulation itself.
inline int32_t corrected_bias(int32_t bias, int32_t input_zero, int64_t weight_sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bias) - static_cast<uint32_t>(input_zero) *
                                                                static_cast<uint32_t>(weight_sum));
}

}  // namespace pare::runtime::own
