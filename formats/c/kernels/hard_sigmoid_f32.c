// SPDX-License-Identifier: Apache-2.0
// needs: clamp
static void hard_sigmoid_f32(const float* in, float* out, int32_t count, float alpha, float beta) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = clamp(alpha * in[i] + beta, 0.0f, 1.0f);
}
