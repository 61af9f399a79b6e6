// SPDX-License-Identifier: Apache-2.0
// needs: packed_weight
// Codes times a row of signed 4-bit codes (stored with 8 added) that have a scale a group: the sum
// of a group in integers, those sums times their scales in float, one after the other.
static float dot_groups_u8(const struct packed_weight* w, int32_t row, const uint8_t* in,
                           int32_t input_zero) {
  const int32_t groups = (w->columns + w->group_size - 1) / w->group_size;
  const float* scale = w->scales + row * groups;
  int32_t at = row * w->columns;
  int32_t left = w->columns;
  float total = 0.0f;
  while (left > 0) {
    const int32_t end = left > w->group_size ? left - w->group_size : 0;
    int32_t sum = 0;
    for (; left > end; --left, ++at) {
      const int32_t pair = (int32_t)w->codes[at / 2];
      const int32_t code = at % 2 == 0 ? pair % 16 : pair / 16;
      sum += ((int32_t)*in++ - input_zero) * (code - 8);
    }
    total = total + (float)sum * *scale++;
  }
  return total;
}
