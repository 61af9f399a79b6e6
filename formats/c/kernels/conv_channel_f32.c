// SPDX-License-Identifier: Apache-2.0
// needs: window columns clamp
// One output channel of a float convolution: a plane of `out`. `image` is the first channel of the
// group, `filter` the weights of the channel; `residual` may be null, or be `out`. `sums` has
// room for one output row.
static void conv_channel_f32(const struct window* g, const float* image, const float* filter,
                             float bias, float low, float high, const float* residual, float* sums,
                             float* out) {
  const int32_t group_channels = g->channels / g->groups;
  const int32_t stride = g->stride_x;
  int32_t oy, ox, c, ky, kx;
  for (oy = 0; oy < g->out_height; ++oy) {
    const int32_t top = oy * g->stride_y - g->pad_top;
    const struct taps rows = taps_inside(top, g->kernel_height, g->dilation_y, g->height);
    for (ox = 0; ox < g->out_width; ++ox) sums[ox] = bias;
    for (c = 0; c < group_channels; ++c) {
      for (ky = rows.first; ky < rows.last; ++ky) {
        const float* in = image + (c * g->height + top + ky * g->dilation_y) * g->width;
        const float* weight = filter + (c * g->kernel_height + ky) * g->kernel_width;
        for (kx = 0; kx < g->kernel_width; ++kx) {
          const struct columns columns = columns_inside(g, kx);
          const float w = weight[kx];
          if (stride == 1) {
            for (ox = columns.first; ox < columns.last; ++ox) sums[ox] += in[columns.left + ox] * w;
          } else {
            for (ox = columns.first; ox < columns.last; ++ox) {
              sums[ox] += in[columns.left + ox * stride] * w;
            }
          }
        }
      }
    }
    for (ox = 0; ox < g->out_width; ++ox) {
      const float sum = residual != 0 ? sums[ox] + *residual++ : sums[ox];
      out[ox] = clamp(sum, low, high);
    }
    out += g->out_width;
  }
}
