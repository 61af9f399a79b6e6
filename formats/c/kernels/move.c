// SPDX-License-Identifier: Apache-2.0
// needs: walk
// Copies elements of `bytes` bytes from a, read with one set of strides, to b, written with
// another.
static void move(const struct walk* w, const void* a, void* b, int32_t bytes) {
  const int32_t run = w->a[3] == 1 && w->b[3] == 1 ? w->size[3] : 1;
  const uint8_t* from = (const uint8_t*)a;
  uint8_t* to = (uint8_t*)b;
  int32_t i, j, k, l;
  for (i = 0; i < w->size[0]; ++i) {
    for (j = 0; j < w->size[1]; ++j) {
      for (k = 0; k < w->size[2]; ++k) {
        const int32_t x = i * w->a[0] + j * w->a[1] + k * w->a[2];
        const int32_t y = i * w->b[0] + j * w->b[1] + k * w->b[2];
        for (l = 0; l < w->size[3]; l += run) {
          memcpy(to + (y + l * w->b[3]) * bytes, from + (x + l * w->a[3]) * bytes,
                 (size_t)(run * bytes));
        }
      }
    }
  }
}
