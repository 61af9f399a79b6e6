// SPDX-License-Identifier: Apache-2.0
// Over the middle axis of [outer, length, inner].
static void softmax_f32(int32_t outer, int32_t length, int32_t inner, const float* in, float* out) {
  int32_t row, i;
  for (row = 0; row < outer * inner; ++row) {
    const int32_t base = row / inner * length * inner + row % inner;
    float largest = in[base];
    float sum = 0.0f;
    for (i = 1; i < length; ++i) {
      if (in[base + i * inner] > largest) largest = in[base + i * inner];
    }
    for (i = 0; i < length; ++i) sum += expf(in[base + i * inner] - largest);
    for (i = 0; i < length; ++i) {
      out[base + i * inner] = expf(in[base + i * inner] - largest) / sum;
    }
  }
}
