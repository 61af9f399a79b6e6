// SPDX-License-Identifier: Apache-2.0
// needs: conv_channel_f32 packed_weight
// Float convolution whose weights are decoded one output channel at a time. `bias` and
// `residual` may be null; `residual` may be `out`. `scratch` has room for one output row and the
// weights of one output channel.
static void conv_f32_packed(const struct window* g, const float* in,
                            const struct packed_weight* weight, decode_row_function decode,
                            const float* bias, float low, float high, const float* residual,
                            float* scratch, float* out) {
  const int32_t group_channels = g->channels / g->groups;
  const int32_t group_out = g->out_channels / g->groups;
  const int32_t plane = g->out_height * g->out_width;
  float* row = scratch + g->out_width;
  int32_t n, oc;
  for (oc = 0; oc < g->out_channels; ++oc) {
    decode(weight, oc, row);
    for (n = 0; n < g->batch; ++n) {
      const int32_t first = n * g->channels + oc / group_out * group_channels;
      const int32_t at = (n * g->out_channels + oc) * plane;
      conv_channel_f32(g, in + first * g->height * g->width, row, bias != 0 ? bias[oc] : 0.0f, low,
                       high, residual != 0 ? residual + at : 0, scratch, out + at);
    }
  }
}
