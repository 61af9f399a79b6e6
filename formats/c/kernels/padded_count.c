// SPDX-License-Identifier: Apache-2.0
// needs: window
// Elements of a window, explicit padding counted.
static int32_t padded_count(const struct window* g, int32_t top, int32_t left) {
  const int32_t bottom = g->height + g->pad_bottom;
  const int32_t right = g->width + g->pad_right;
  return taps_inside(top, g->kernel_height, g->dilation_y, bottom).last *
         taps_inside(left, g->kernel_width, g->dilation_x, right).last;
}
