// SPDX-License-Identifier: Apache-2.0
// Shape of a convolution or pooling over [batch, channels, height, width].
struct window {
  int32_t batch;
  int32_t channels, height, width;
  int32_t out_channels, out_height, out_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_y, stride_x;
  int32_t pad_top, pad_left, pad_bottom, pad_right;
  int32_t dilation_y, dilation_x;
  int32_t groups;
};

// Taps [first, last) of a window that starts at `start` lie inside [0, size).
struct taps {
  int32_t first, last;
};

static struct taps taps_inside(int32_t start, int32_t kernel, int32_t dilation, int32_t size) {
  struct taps t = {0, kernel};
  while (t.first < kernel && start + t.first * dilation < 0) ++t.first;
  while (t.last > t.first && start + (t.last - 1) * dilation >= size) --t.last;
  return t;
}
