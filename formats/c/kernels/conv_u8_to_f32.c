// SPDX-License-Identifier: Apache-2.0
// needs: conv_row real_output
// Integer convolution, codes to float. `residual` is added before the clamp; it may be
// null. `sums` has room for one output row.
static void conv_u8_to_f32(const struct window* g, const struct requantize* r, const uint8_t* in,
                           const int8_t* weight, const uint8_t* residual, int32_t* sums,
                           float* out) {
  const int32_t group_channels = g->channels / g->groups;
  const int32_t group_out = g->out_channels / g->groups;
  const int32_t filter = group_channels * g->kernel_height * g->kernel_width;
  int32_t n, oc, oy, ox;
  for (n = 0; n < g->batch; ++n) {
    for (oc = 0; oc < g->out_channels; ++oc) {
      const int32_t first = n * g->channels + oc / group_out * group_channels;
      const uint8_t* image = in + first * g->height * g->width;
      for (oy = 0; oy < g->out_height; ++oy) {
        conv_row(g, image, r->input_zero, weight + oc * filter, r->bias[oc], oy, sums);
        for (ox = 0; ox < g->out_width; ++ox) {
          *out++ = real_output(r, sums[ox], oc, residual);
          if (residual != 0) ++residual;
        }
      }
    }
  }
}
