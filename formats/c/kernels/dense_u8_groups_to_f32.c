// SPDX-License-Identifier: Apache-2.0
// needs: requantize dot_groups_u8
// As dense_u8_to_f32, with 4-bit weights that have a scale a group.
static void dense_u8_groups_to_f32(int32_t rows, int32_t columns, const struct requantize* r,
                                   float multiplier, const float* bias, const uint8_t* in,
                                   const struct packed_weight* weight, const uint8_t* residual,
                                   float* out) {
  int32_t row, column;
  for (row = 0; row < rows; ++row) {
    for (column = 0; column < columns; ++column) {
      const float total = dot_groups_u8(weight, column, in, r->input_zero);
      *out++ = completed(r, total * multiplier + bias[column], residual);
      if (residual != 0) ++residual;
    }
    in += weight->columns;
  }
}
