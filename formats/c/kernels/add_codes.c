// SPDX-License-Identifier: Apache-2.0
// needs: binary_u8
static uint8_t add_codes(const struct binary_codes* p, uint8_t a, uint8_t b) {
  const float x = (float)((int32_t)a - p->a_zero) * p->a_multiplier;
  const float y = (float)((int32_t)b - p->b_zero) * p->b_multiplier;
  return nearest_code(clamp(x + y, p->low, p->high), p->zero);
}
