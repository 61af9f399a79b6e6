// SPDX-License-Identifier: Apache-2.0
// needs: window averaging padded_count
// Sums of codes, rescaled: `ratio` is the input's scale over the output's.
static void average_pool_u8(const struct window* g, const struct averaging* p,
                            int32_t count_padding, const uint8_t* in, uint8_t* out) {
  int32_t plane, oy, ox, ky, kx;
  for (plane = 0; plane < g->batch * g->channels; ++plane) {
    for (oy = 0; oy < g->out_height; ++oy) {
      const int32_t top = oy * g->stride_y - g->pad_top;
      const struct taps rows = taps_inside(top, g->kernel_height, g->dilation_y, g->height);
      for (ox = 0; ox < g->out_width; ++ox) {
        const int32_t left = ox * g->stride_x - g->pad_left;
        const struct taps columns = taps_inside(left, g->kernel_width, g->dilation_x, g->width);
        int32_t count = (rows.last - rows.first) * (columns.last - columns.first);
        int32_t sum = 0;
        for (ky = rows.first; ky < rows.last; ++ky) {
          const uint8_t* row = in + (top + ky * g->dilation_y) * g->width;
          for (kx = columns.first; kx < columns.last; ++kx) {
            sum += (int32_t)row[left + kx * g->dilation_x] - p->in_zero;
          }
        }
        if (count_padding) count = padded_count(g, top, left);
        *out++ = average_code(p, sum, count);
      }
    }
    in += g->height * g->width;
  }
}
