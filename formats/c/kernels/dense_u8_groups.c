// SPDX-License-Identifier: Apache-2.0
// needs: requantize nearest_code dot_groups_u8
// As dense_u8, with 4-bit weights that have a scale a group. `bias` is in the output's scale.
static void dense_u8_groups(int32_t rows, int32_t columns, const struct requantize* r,
                            float multiplier, const float* bias, const uint8_t* in,
                            const struct packed_weight* weight, const uint8_t* residual,
                            uint8_t* out) {
  int32_t row, column;
  for (row = 0; row < rows; ++row) {
    for (column = 0; column < columns; ++column) {
      const float total = dot_groups_u8(weight, column, in, r->input_zero);
      const float v = total * multiplier + bias[column];
      *out++ = nearest_code(completed(r, v, residual), r->zero);
      if (residual != 0) ++residual;
    }
    in += weight->columns;
  }
}
