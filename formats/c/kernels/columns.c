// SPDX-License-Identifier: Apache-2.0
// needs: window
// Output columns [first, last) of which tap kx of a row lies inside the image, at column
// left + ox * stride_x of the input.
struct columns {
  int32_t first, last, left;
};

static struct columns columns_inside(const struct window* g, int32_t kx) {
  struct columns c;
  int32_t room;
  c.left = kx * g->dilation_x - g->pad_left;
  c.first = c.left < 0 ? (g->stride_x - 1 - c.left) / g->stride_x : 0;
  room = g->width - c.left;
  c.last = room > 0 ? (room + g->stride_x - 1) / g->stride_x : 0;
  if (c.last > g->out_width) c.last = g->out_width;
  return c;
}
