// SPDX-License-Identifier: Apache-2.0
// The code nearest to x: ties to even, saturated to 0 ... 255, NaN is 0. Uses no rounding mode.
static uint8_t nearest_code(float x) {
  int32_t whole;
  float rest;
  if (!(x > 0.0f)) return 0;
  if (x >= 255.0f) return 255;
  whole = (int32_t)x;
  rest = x - (float)whole;  // exact
  if (rest > 0.5f || (rest == 0.5f && (whole & 1) != 0)) ++whole;
  return (uint8_t)whole;
}
