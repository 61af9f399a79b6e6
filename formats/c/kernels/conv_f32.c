// SPDX-License-Identifier: Apache-2.0
// needs: conv_channel_f32
// Float convolution. `bias` and `residual` may be null; `residual` may be `out`. `sums` has room
// for one output row.
static void conv_f32(const struct window* g, const float* in, const float* weight,
                     const float* bias, float low, float high, const float* residual, float* sums,
                     float* out) {
  const int32_t group_channels = g->channels / g->groups;
  const int32_t group_out = g->out_channels / g->groups;
  const int32_t filter = group_channels * g->kernel_height * g->kernel_width;
  const int32_t plane = g->out_height * g->out_width;
  int32_t n, oc;
  for (n = 0; n < g->batch; ++n) {
    for (oc = 0; oc < g->out_channels; ++oc) {
      const int32_t first = n * g->channels + oc / group_out * group_channels;
      conv_channel_f32(g, in + first * g->height * g->width, weight + oc * filter,
                       bias != 0 ? bias[oc] : 0.0f, low, high, residual, sums, out);
      if (residual != 0) residual += plane;
      out += plane;
    }
  }
}
