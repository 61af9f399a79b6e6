// SPDX-License-Identifier: Apache-2.0
// needs: walk clamp
// An operator on two float arrays, either of which may be repeated along some loops.
static void binary_f32(const struct walk* w, float (*apply)(float, float), const float* a,
                       const float* b, float low, float high, float* out) {
  int32_t i, j, k, l;
  for (i = 0; i < w->size[0]; ++i) {
    for (j = 0; j < w->size[1]; ++j) {
      for (k = 0; k < w->size[2]; ++k) {
        const float* x = a + i * w->a[0] + j * w->a[1] + k * w->a[2];
        const float* y = b + i * w->b[0] + j * w->b[1] + k * w->b[2];
        for (l = 0; l < w->size[3]; ++l) {
          *out++ = clamp(apply(x[l * w->a[3]], y[l * w->b[3]]), low, high);
        }
      }
    }
  }
}
