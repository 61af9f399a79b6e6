// SPDX-License-Identifier: Apache-2.0
// needs: clamp
static void clamp_f32(const float* in, float* out, int32_t count, float low, float high) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = clamp(in[i], low, high);
}
