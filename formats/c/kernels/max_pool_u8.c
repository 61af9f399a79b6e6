// SPDX-License-Identifier: Apache-2.0
// needs: window
static void max_pool_u8(const struct window* g, const uint8_t* in, uint8_t* out) {
  int32_t plane, oy, ox, ky, kx;
  for (plane = 0; plane < g->batch * g->channels; ++plane) {
    for (oy = 0; oy < g->out_height; ++oy) {
      const int32_t top = oy * g->stride_y - g->pad_top;
      const struct taps rows = taps_inside(top, g->kernel_height, g->dilation_y, g->height);
      for (ox = 0; ox < g->out_width; ++ox) {
        const int32_t left = ox * g->stride_x - g->pad_left;
        const struct taps columns = taps_inside(left, g->kernel_width, g->dilation_x, g->width);
        uint8_t best = 0;
        for (ky = rows.first; ky < rows.last; ++ky) {
          const uint8_t* row = in + (top + ky * g->dilation_y) * g->width;
          for (kx = columns.first; kx < columns.last; ++kx) {
            const uint8_t x = row[left + kx * g->dilation_x];
            if (x > best) best = x;
          }
        }
        *out++ = best;
      }
    }
    in += g->height * g->width;
  }
}
