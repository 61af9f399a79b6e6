// SPDX-License-Identifier: Apache-2.0
// saturate(round(x) + zero): ties to even, saturated to 0 ... 255, NaN is 0. Uses no rounding mode.
static uint8_t nearest_code(float x, int32_t zero) {
  const float magnitude = x < 0.0f ? -x : x;
  int32_t whole;
  float rest;
  if (!(magnitude < 512.0f)) return x > 0.0f ? 255 : 0;
  whole = (int32_t)magnitude;
  rest = magnitude - (float)whole;  // exact
  if (rest > 0.5f || (rest == 0.5f && (whole & 1) != 0)) ++whole;
  whole = (x < 0.0f ? -whole : whole) + zero;
  return (uint8_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
}
