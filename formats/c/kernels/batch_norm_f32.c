// SPDX-License-Identifier: Apache-2.0
// out = (in - mean[c]) * scale[c] + bias[c] over [batch, channels, inner].
static void batch_norm_f32(int32_t batch, int32_t channels, int32_t inner, const float* mean,
                           const float* scale, const float* bias, const float* in, float* out) {
  int32_t n, c, i;
  for (n = 0; n < batch; ++n) {
    for (c = 0; c < channels; ++c) {
      for (i = 0; i < inner; ++i) *out++ = (*in++ - mean[c]) * scale[c] + bias[c];
    }
  }
}
