// SPDX-License-Identifier: Apache-2.0
// needs: averaging
// Mean over the middle axis of [outer, count, inner].
static void mean_u8(int32_t outer, int32_t count, int32_t inner, const struct averaging* p,
                    const uint8_t* in, uint8_t* out) {
  int32_t o, i, k;
  for (o = 0; o < outer; ++o) {
    for (i = 0; i < inner; ++i) {
      int32_t sum = 0;
      for (k = 0; k < count; ++k) sum += (int32_t)in[k * inner + i] - p->in_zero;
      *out++ = average_code(p, sum, count);
    }
    in += count * inner;
  }
}
