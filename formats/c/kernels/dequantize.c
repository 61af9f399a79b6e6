// SPDX-License-Identifier: Apache-2.0
// out = scale * (in - zero)
static void dequantize(const uint8_t* in, float* out, int32_t count, float scale, int32_t zero) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = scale * (float)((int32_t)in[i] - zero);
}
