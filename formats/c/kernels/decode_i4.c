// SPDX-License-Identifier: Apache-2.0
// needs: packed_weight
// Signed 4-bit codes, stored with 8 added.
static void decode_i4(const struct packed_weight* w, int32_t row, float* out) {
  const int32_t groups = (w->columns + w->group_size - 1) / w->group_size;
  const int32_t first = row * w->columns;
  int32_t i;
  for (i = 0; i < w->columns; ++i) {
    const int32_t group = row * groups + i / w->group_size;
    const int32_t zero = w->zero_points != 0 ? (int32_t)w->zero_points[group] : 8;
    const int32_t pair = (int32_t)w->codes[(first + i) / 2];
    const int32_t code = (first + i) % 2 == 0 ? pair % 16 : pair / 16;
    out[i] = w->scales[group] * (float)(code - zero);
  }
}
