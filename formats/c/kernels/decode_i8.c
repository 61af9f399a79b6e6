// SPDX-License-Identifier: Apache-2.0
// needs: packed_weight
// Signed 8-bit codes, stored with 128 added so that no conversion depends on the compiler.
static void decode_i8(const struct packed_weight* w, int32_t row, float* out) {
  const int32_t groups = (w->columns + w->group_size - 1) / w->group_size;
  const uint8_t* codes = w->codes + row * w->columns;
  int32_t i;
  for (i = 0; i < w->columns; ++i) {
    const int32_t group = row * groups + i / w->group_size;
    const int32_t zero = w->zero_points != 0 ? (int32_t)w->zero_points[group] : 128;
    out[i] = w->scales[group] * (float)((int32_t)codes[i] - zero);
  }
}
