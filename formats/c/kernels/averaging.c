// SPDX-License-Identifier: Apache-2.0
// needs: nearest_code
// The mean of codes: sum of (code - in_zero), rescaled by ratio / count, where ratio is the input's
// scale over the output's.
struct averaging {
  int32_t in_zero;
  float ratio;
  int32_t zero;
};

static uint8_t average_code(const struct averaging* p, int32_t sum, int32_t count) {
  const float multiplier = p->ratio / (float)count;
  return nearest_code((float)sum * multiplier, p->zero);
}
