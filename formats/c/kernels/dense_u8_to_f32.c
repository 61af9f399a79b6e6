// SPDX-License-Identifier: Apache-2.0
// needs: real_output
// [rows, depth] x [columns, depth]: codes to float. `residual` may be null.
static void dense_u8_to_f32(int32_t rows, int32_t depth, int32_t columns,
                            const struct requantize* r, const uint8_t* in, const int8_t* weight,
                            const uint8_t* residual, float* out) {
  int32_t row, column, k;
  for (row = 0; row < rows; ++row) {
    const int8_t* w = weight;
    for (column = 0; column < columns; ++column) {
      int32_t sum = r->bias[column];
      for (k = 0; k < depth; ++k) sum += ((int32_t)in[k] - r->input_zero) * (int32_t)w[k];
      *out++ = real_output(r, sum, column, residual);
      if (residual != 0) ++residual;
      w += depth;
    }
    in += depth;
  }
}
