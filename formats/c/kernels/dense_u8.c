// SPDX-License-Identifier: Apache-2.0
// needs: real_output nearest_code
// [rows, depth] x [columns, depth]: codes to codes. `residual` may be null, or `out`.
static void dense_u8(int32_t rows, int32_t depth, int32_t columns, const struct requantize* r,
                     const uint8_t* in, const int8_t* weight, const uint8_t* residual,
                     uint8_t* out) {
  int32_t row, column, k;
  for (row = 0; row < rows; ++row) {
    const int8_t* w = weight;
    for (column = 0; column < columns; ++column) {
      int32_t sum = r->bias[column];
      for (k = 0; k < depth; ++k) sum += ((int32_t)in[k] - r->input_zero) * (int32_t)w[k];
      *out++ = nearest_code(real_output(r, sum, column, residual), r->zero);
      if (residual != 0) ++residual;
      w += depth;
    }
    in += depth;
  }
}
