// SPDX-License-Identifier: Apache-2.0
// needs: window
// One output element of an integer convolution before requantization. `image` is the first channel
// of the group, `filter` the weights of the output channel. Padding counts as the zero point, so
// it adds nothing.
static int32_t conv_sum(const struct window* g, const uint8_t* image, int32_t zero,
                        const int8_t* filter, int32_t top, int32_t left, struct taps rows,
                        struct taps columns) {
  const int32_t group_channels = g->channels / g->groups;
  int32_t sum = 0;
  int32_t c, ky, kx;
  for (c = 0; c < group_channels; ++c) {
    for (ky = rows.first; ky < rows.last; ++ky) {
      const uint8_t* in = image + (top + ky * g->dilation_y) * g->width;
      const int8_t* weight = filter + ky * g->kernel_width;
      for (kx = columns.first; kx < columns.last; ++kx) {
        sum += ((int32_t)in[left + kx * g->dilation_x] - zero) * (int32_t)weight[kx];
      }
    }
    image += g->height * g->width;
    filter += g->kernel_height * g->kernel_width;
  }
  return sum;
}
