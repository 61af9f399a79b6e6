// SPDX-License-Identifier: Apache-2.0
static void fill_f32(float* out, int32_t count, float value) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = value;
}
