// SPDX-License-Identifier: Apache-2.0
// needs: walk nearest_code clamp
// An operator on two arrays of codes, either of which may be repeated along some loops.
struct binary_codes {
  float a_multiplier, b_multiplier;
  int32_t a_zero, b_zero;
  float low, high;
  int32_t zero;
};

static void binary_u8(const struct walk* w, const struct binary_codes* p,
                      uint8_t (*apply)(const struct binary_codes*, uint8_t, uint8_t),
                      const uint8_t* a, const uint8_t* b, uint8_t* out) {
  int32_t i, j, k, l;
  for (i = 0; i < w->size[0]; ++i) {
    for (j = 0; j < w->size[1]; ++j) {
      for (k = 0; k < w->size[2]; ++k) {
        const uint8_t* x = a + i * w->a[0] + j * w->a[1] + k * w->a[2];
        const uint8_t* y = b + i * w->b[0] + j * w->b[1] + k * w->b[2];
        for (l = 0; l < w->size[3]; ++l) *out++ = apply(p, x[l * w->a[3]], y[l * w->b[3]]);
      }
    }
  }
}
