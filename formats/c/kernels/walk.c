// SPDX-License-Identifier: Apache-2.0
// Four nested loops over two arrays, the strides in elements; unused outer loops have size 1.
struct walk {
  int32_t size[4];
  int32_t a[4], b[4];
};
