// SPDX-License-Identifier: Apache-2.0
// needs: window columns
// One row of one output channel of an integer convolution, before requantization: every weight is
// read once and multiplied with a row of the image. `image` is the first channel of the group,
// `filter` the weights of the output channel. Padding counts as the zero point, so it adds nothing.
static void conv_row(const struct window* g, const uint8_t* image, int32_t zero,
                     const int8_t* filter, int32_t bias, int32_t oy, int32_t* sums) {
  const int32_t group_channels = g->channels / g->groups;
  const int32_t plane = g->height * g->width;
  const int32_t taps = g->kernel_height * g->kernel_width;
  const int32_t top = oy * g->stride_y - g->pad_top;
  const int32_t stride = g->stride_x;
  const struct taps rows = taps_inside(top, g->kernel_height, g->dilation_y, g->height);
  int32_t ky, kx, c, ox;
  for (ox = 0; ox < g->out_width; ++ox) sums[ox] = bias;
  for (ky = rows.first; ky < rows.last; ++ky) {
    for (kx = 0; kx < g->kernel_width; ++kx) {
      const struct columns columns = columns_inside(g, kx);
      const int8_t* weight = filter + ky * g->kernel_width + kx;
      const uint8_t* in = image + (top + ky * g->dilation_y) * g->width;
      for (c = 0; c < group_channels; ++c) {
        const int32_t w = *weight;
        if (stride == 1) {
          for (ox = columns.first; ox < columns.last; ++ox) {
            sums[ox] += ((int32_t)in[columns.left + ox] - zero) * w;
          }
        } else {
          for (ox = columns.first; ox < columns.last; ++ox) {
            sums[ox] += ((int32_t)in[columns.left + ox * stride] - zero) * w;
          }
        }
        weight += taps;
        in += plane;
      }
    }
  }
}
