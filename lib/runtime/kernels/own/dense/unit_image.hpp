// SPDX-License-Identifier: Apache-2.0
// A convolution's input as the inner loops of linear_block.hpp read it: with its borders filled in,
// and cut into planes in which neighbouring pixels are 32-bit units a fixed few bytes apart.
//
//   by channel  a row of the image is one plane for each unit of channels (one f32, two or four
//               codes): pixel x at 4 x bytes
//   along x     codes of few channels: a row is one plane for each channel, a code a pixel; a unit
//   is
//               two or four neighbouring codes, read at any byte
//
// Whichever takes fewer steps. Borders hold the zero point, whose products cancel against the
// corrected bias.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/runtime/kernels/geometry.hpp"

namespace pare::runtime::own {

inline int64_t round_up(int64_t x, int64_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

// What a step multiplies: the weights of kernel row ky at (kx, channel), and for units of several
// codes those that follow along kx or along the channels of a group.
struct UnitStep {
  int64_t offset;  // bytes from the pixel's first unit
  int64_t ky, kx, channel;
};

class UnitImage {
 public:
  // codes_per_unit: 1 for f32, else 2 or 4.
  UnitImage(const Conv2d& geometry, int64_t codes_per_unit);

  const Conv2d& geometry() const { return g_; }
  int64_t bytes() const;        // of the prepared image
  int64_t pixel_bytes() const;  // from an output pixel's input to the next one's
  int64_t row_bytes() const { return planes_ * plane_bytes_; }  // of an input row
  int64_t group_bytes() const { return planes_ / g_.groups * plane_bytes_; }
  // Steps that take neighbouring units: 3 in rows of a 3-wide filter, else 1.
  int64_t window() const { return window_; }
  std::vector<UnitStep> steps() const;
  // Index of code j of a step in the weights of an output channel, laid out [channel][ky][kx] as in
  // ONNX, or -1 when it is none.
  int64_t weight_index(const UnitStep& step, int64_t j) const;

  // Prepares one image (without batch dimension), f32 or u8, in the given layout. `zero` fills
  // borders: the zero point of codes.
  void fill(std::byte* to, const std::byte* from, Layout layout, uint8_t zero) const;

 private:
  int64_t columns() const { return g_.width + g_.pad_left + g_.pad_right; }
  int64_t group_planes() const { return planes_ / g_.groups; }
  int64_t element_bytes() const { return per_unit_ == 1 ? 4 : 1; }  // of the source
  void fill_row(std::byte* to, const std::byte* image, int64_t y, Layout layout) const;
  void fill_plane(std::byte* to, const uint8_t* image, int64_t plane, int64_t y,
                  Layout layout) const;
  void fill_borders(std::byte* row, uint8_t zero) const;
  void set_units(std::byte* to, int64_t count, uint8_t zero) const;

  Conv2d g_;
  int64_t per_unit_;
  bool along_x_;
  int64_t window_;
  int64_t planes_;       // of a row, all groups
  int64_t pixel_size_;   // bytes of a pixel in a plane
  int64_t plane_bytes_;  // of one row
};

}  // namespace pare::runtime::own
