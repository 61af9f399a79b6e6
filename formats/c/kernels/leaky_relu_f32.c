// SPDX-License-Identifier: Apache-2.0
static void leaky_relu_f32(const float* in, float* out, int32_t count, float alpha) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = in[i] < 0.0f ? alpha * in[i] : in[i];
}
