// SPDX-License-Identifier: Apache-2.0
// out = saturate(round(in / scale) + zero), ties to even, NaN is code 0.
static void quantize(const float* in, uint8_t* out, int32_t count, float scale, int32_t zero) {
  int32_t i;
  for (i = 0; i < count; ++i) {
    const float x = in[i] / scale;
    const float magnitude = x < 0.0f ? -x : x;
    int32_t code;
    if (!(magnitude < 512.0f)) {
      code = x > 0.0f ? 255 : 0;
    } else {
      int32_t whole = (int32_t)magnitude;
      const float rest = magnitude - (float)whole;  // exact
      if (rest > 0.5f || (rest == 0.5f && (whole & 1) != 0)) ++whole;
      code = (x < 0.0f ? -whole : whole) + zero;
    }
    out[i] = (uint8_t)(code < 0 ? 0 : code > 255 ? 255 : code);
  }
}
