// SPDX-License-Identifier: Apache-2.0
// needs: binary_u8
static uint8_t multiply_codes(const struct binary_codes* p, uint8_t a, uint8_t b) {
  const int32_t product = ((int32_t)a - p->a_zero) * ((int32_t)b - p->b_zero);
  return nearest_code(clamp((float)product * p->a_multiplier, p->low, p->high), p->zero);
}
