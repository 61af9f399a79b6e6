// SPDX-License-Identifier: Apache-2.0
// needs: window clamp
// One output channel of a float convolution: a plane of `out`. `image` is the first channel of the
// group, `filter` the weights of the channel; `residual` may be null.
static void conv_channel_f32(const struct window* g, const float* image, const float* filter,
                             float bias, float low, float high, const float* residual, float* out) {
  const int32_t group_channels = g->channels / g->groups;
  int32_t oy, ox, c, ky, kx;
  for (oy = 0; oy < g->out_height; ++oy) {
    const int32_t top = oy * g->stride_y - g->pad_top;
    const struct taps rows = taps_inside(top, g->kernel_height, g->dilation_y, g->height);
    for (ox = 0; ox < g->out_width; ++ox) {
      const int32_t left = ox * g->stride_x - g->pad_left;
      const struct taps columns = taps_inside(left, g->kernel_width, g->dilation_x, g->width);
      float sum = bias;
      for (c = 0; c < group_channels; ++c) {
        for (ky = rows.first; ky < rows.last; ++ky) {
          const float* in = image + (c * g->height + top + ky * g->dilation_y) * g->width;
          const float* w = filter + (c * g->kernel_height + ky) * g->kernel_width;
          for (kx = columns.first; kx < columns.last; ++kx) {
            sum += in[left + kx * g->dilation_x] * w[kx];
          }
        }
      }
      if (residual != 0) sum += *residual++;
      *out++ = clamp(sum, low, high);
    }
  }
}
