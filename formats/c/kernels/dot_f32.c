// SPDX-License-Identifier: Apache-2.0
static float dot_f32(const float* a, const float* b, int32_t depth) {
  float sum = 0.0f;
  int32_t k;
  for (k = 0; k < depth; ++k) sum += a[k] * b[k];
  return sum;
}
