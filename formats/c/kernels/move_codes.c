// SPDX-License-Identifier: Apache-2.0
// needs: walk
// Copies codes of one scale as codes of another, by a table.
static void move_codes(const struct walk* w, const uint8_t* table, const uint8_t* a, uint8_t* b) {
  int32_t i, j, k, l;
  for (i = 0; i < w->size[0]; ++i) {
    for (j = 0; j < w->size[1]; ++j) {
      for (k = 0; k < w->size[2]; ++k) {
        const uint8_t* from = a + i * w->a[0] + j * w->a[1] + k * w->a[2];
        uint8_t* to = b + i * w->b[0] + j * w->b[1] + k * w->b[2];
        for (l = 0; l < w->size[3]; ++l) to[l * w->b[3]] = table[from[l * w->a[3]]];
      }
    }
  }
}
