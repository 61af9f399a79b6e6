// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/own/dense/unit_image.hpp"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pare::runtime::own {

namespace {

// Room after the image for the last unit of a row of codes.
constexpr int64_t kSlack = 64;

int64_t units(int64_t codes, int64_t per_unit) { return (codes + per_unit - 1) / per_unit; }

// Four rows of four units, transposed.
void transpose_4x4(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
#if defined(__SSE2__)
  const auto load = [&](int64_t r) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + r * from_stride));
  };
  const auto store = [&](int64_t r, __m128i v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + r * to_stride), v);
  };
  const __m128i a = _mm_unpacklo_epi32(load(0), load(1)), b = _mm_unpacklo_epi32(load(2), load(3));
  const __m128i c = _mm_unpackhi_epi32(load(0), load(1)), d = _mm_unpackhi_epi32(load(2), load(3));
  store(0, _mm_unpacklo_epi64(a, b));
  store(1, _mm_unpackhi_epi64(a, b));
  store(2, _mm_unpacklo_epi64(c, d));
  store(3, _mm_unpackhi_epi64(c, d));
#else
  for (int64_t r = 0; r < 4; ++r) {
    for (int64_t c = 0; c < 4; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
#endif
}

// to[column * to_stride + row] = from[row * columns + column]
void transpose_units(const uint32_t* from, int64_t rows, int64_t columns, uint32_t* to,
                     int64_t to_stride) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      transpose_4x4(from + r * columns + c, columns, to + c * to_stride + r, to_stride);
    }
    for (; c < columns; ++c) {
      for (int64_t i = r; i < r + 4; ++i) to[c * to_stride + i] = from[i * columns + c];
    }
  }
  for (; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * to_stride + r] = from[r * columns + c];
  }
}

// `count` codes, `stride` apart, as every `step`-th element of `to`.
template <class Code>
void spread(const uint8_t* from, int64_t stride, int64_t count, Code* to, int64_t step) {
  if (stride == 1 && step == 1) {
    std::copy_n(from, count, to);
    return;
  }
  for (int64_t i = 0; i < count; ++i) to[i * step] = from[i * stride];
}

}  // namespace

UnitImage::UnitImage(const Conv2d& geometry, int64_t codes_per_unit)
    : g_(geometry), per_unit_(codes_per_unit) {
  const int64_t by_channel = g_.kernel_width * units(g_.group_channels(), per_unit_);
  const int64_t by_column = g_.group_channels() * units(g_.kernel_width, per_unit_);
  along_x_ = per_unit_ > 1 && g_.dilation_width == 1 && by_column < by_channel;
  planes_ = g_.groups * (along_x_ ? g_.group_channels() : units(g_.group_channels(), per_unit_));
  window_ =
      !along_x_ && g_.kernel_width == 3 && g_.dilation_width == 1 && g_.stride_width <= 2 ? 3 : 1;
  pixel_size_ = along_x_ ? 4 / per_unit_ : 4;
  plane_bytes_ = round_up(columns() * pixel_size_, 4);
}

int64_t UnitImage::bytes() const {
  return round_up((g_.height + g_.pad_top + g_.pad_bottom) * row_bytes() + kSlack, 64);
}

int64_t UnitImage::pixel_bytes() const { return g_.stride_width * pixel_size_; }

std::vector<UnitStep> UnitImage::steps() const {
  std::vector<UnitStep> out;
  const int64_t kx_step = along_x_ ? per_unit_ : 1;
  const int64_t channel_step = along_x_ ? 1 : per_unit_;
  for (int64_t ky = 0; ky < g_.kernel_height; ++ky) {
    for (int64_t channel = 0; channel < g_.group_channels(); channel += channel_step) {
      for (int64_t kx = 0; kx < g_.kernel_width; kx += kx_step) {
        const int64_t offset = ky * g_.dilation_height * row_bytes() +
                               channel / channel_step * plane_bytes_ +
                               kx * g_.dilation_width * pixel_size_;
        out.push_back({offset, ky, kx, channel});
      }
    }
  }
  return out;
}

int64_t UnitImage::weight_index(const UnitStep& step, int64_t j) const {
  const int64_t kx = step.kx + (along_x_ ? j : 0);
  const int64_t channel = step.channel + (along_x_ ? 0 : j);
  if (kx >= g_.kernel_width || channel >= g_.group_channels()) return -1;
  return (channel * g_.kernel_height + step.ky) * g_.kernel_width + kx;
}

void UnitImage::set_units(std::byte* to, int64_t count, uint8_t zero) const {
  if (per_unit_ == 2) {
    std::fill_n(reinterpret_cast<uint16_t*>(to), count / 2, zero);
  } else {
    std::memset(to, per_unit_ == 1 ? 0 : zero, static_cast<size_t>(count));
  }
}

void UnitImage::fill(std::byte* to, const std::byte* from, Layout layout, uint8_t zero) const {
  // Where both layouts are the same bytes, the one that is read faster.
  if (g_.channels == 1) layout = Layout::kPlain;
  if (g_.height * g_.width == 1) layout = Layout::kNhwc;
  set_units(to, g_.pad_top * row_bytes(), zero);
  to += g_.pad_top * row_bytes();
  for (int64_t y = 0; y < g_.height; ++y, to += row_bytes()) {
    fill_borders(to, zero);
    fill_row(to, from, y, layout);
  }
  set_units(to, g_.pad_bottom * row_bytes(), zero);
}

void UnitImage::fill_borders(std::byte* row, uint8_t zero) const {
  const int64_t left = g_.pad_left * pixel_size_;
  const int64_t right = left + g_.width * pixel_size_;
  if (left == 0 && right == plane_bytes_) return;
  if (pixel_size_ < 4) {
    for (int64_t plane = 0; plane < planes_; ++plane, row += plane_bytes_) {
      set_units(row, left, zero);
      set_units(row + right, plane_bytes_ - right, zero);
    }
    return;
  }
  // A unit or two a plane: too short for calls.
  const uint32_t unit = per_unit_ == 1 ? 0 : per_unit_ == 2 ? zero * 0x10001U : zero * 0x1010101U;
  const auto set = [&](int64_t from, int64_t to) {
    auto* units = reinterpret_cast<uint32_t*>(row);
    for (int64_t i = from; i < to; ++i) units[i] = unit;
  };
  for (int64_t plane = 0; plane < planes_; ++plane, row += plane_bytes_) {
    set(0, left / 4);
    set(right / 4, plane_bytes_ / 4);
  }
}

void UnitImage::fill_row(std::byte* to, const std::byte* image, int64_t y, Layout layout) const {
  to += g_.pad_left * pixel_size_;
  const int64_t row = g_.width * g_.channels * element_bytes();
  const bool whole_units = !along_x_ && per_unit_ != 2 && g_.group_channels() % per_unit_ == 0;
  if (whole_units && layout == Layout::kNhwc) {
    transpose_units(reinterpret_cast<const uint32_t*>(image + y * row), g_.width, planes_,
                    reinterpret_cast<uint32_t*>(to), plane_bytes_ / 4);
    return;
  }
  if (!along_x_ && per_unit_ == 4 && layout == Layout::kNhwc) {
    // The last unit of a group takes in codes that are not its own: they meet zero weights. Behind
    // the last pixel of all lies the arena's own slack.
    for (int64_t plane = 0; plane < planes_; ++plane, to += plane_bytes_) {
      const int64_t channel =
          plane / group_planes() * g_.group_channels() + plane % group_planes() * per_unit_;
      const std::byte* from = image + y * row + channel;
      for (int64_t x = 0; x < g_.width; ++x) std::memcpy(to + x * 4, from + x * g_.channels, 4);
    }
    return;
  }
  for (int64_t plane = 0; plane < planes_; ++plane) {
    if (per_unit_ == 1) {
      std::memcpy(to + plane * plane_bytes_,
                  image + (plane * g_.height + y) * g_.width * int64_t{4},
                  static_cast<size_t>(g_.width) * 4);
    } else {
      fill_plane(to + plane * plane_bytes_, reinterpret_cast<const uint8_t*>(image), plane, y,
                 layout);
    }
  }
}

// Codes that are not whole units already: a channel at a time.
void UnitImage::fill_plane(std::byte* to, const uint8_t* image, int64_t plane, int64_t y,
                           Layout layout) const {
  const int64_t group = plane / group_planes();
  const int64_t first = plane % group_planes() * (along_x_ ? 1 : per_unit_);
  const int64_t count = along_x_ ? 1 : std::min(per_unit_, g_.group_channels() - first);
  const int64_t step = along_x_ ? 1 : per_unit_;
  for (int64_t j = 0; j < count; ++j) {
    const int64_t channel = group * g_.group_channels() + first + j;
    const bool plain = layout == Layout::kPlain;
    const uint8_t* from = plain ? image + (channel * g_.height + y) * g_.width
                                : image + y * g_.width * g_.channels + channel;
    const int64_t stride = plain ? 1 : g_.channels;
    if (per_unit_ == 2) {
      spread(from, stride, g_.width, reinterpret_cast<uint16_t*>(to) + j, step);
    } else {
      spread(from, stride, g_.width, reinterpret_cast<uint8_t*>(to) + j, step);
    }
  }
}

}  // namespace pare::runtime::own
