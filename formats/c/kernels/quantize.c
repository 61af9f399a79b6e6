// SPDX-License-Identifier: Apache-2.0
// needs: nearest_code
// out = saturate(round(in / scale) + zero)
static void quantize(const float* in, uint8_t* out, int32_t count, float scale, int32_t zero) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = nearest_code(in[i] / scale, zero);
}
