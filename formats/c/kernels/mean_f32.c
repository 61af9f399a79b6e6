// SPDX-License-Identifier: Apache-2.0
// Mean over the middle axis of [outer, count, inner].
static void mean_f32(int32_t outer, int32_t count, int32_t inner, const float* in, float* out) {
  int32_t o, i, k;
  for (o = 0; o < outer; ++o) {
    for (i = 0; i < inner; ++i) {
      float sum = 0.0f;
      for (k = 0; k < count; ++k) sum += in[k * inner + i];
      *out++ = sum / (float)count;
    }
    in += count * inner;
  }
}
