// SPDX-License-Identifier: Apache-2.0
static void map_f32(float (*function)(float), const float* in, float* out, int32_t count) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = function(in[i]);
}
