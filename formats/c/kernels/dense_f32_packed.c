// SPDX-License-Identifier: Apache-2.0
// needs: dot_f32 clamp packed_weight
// As dense_f32, the weights decoded one output column at a time, into `decoded`.
static void dense_f32_packed(int32_t rows, int32_t depth, int32_t columns, const float* in,
                             const struct packed_weight* weight, decode_row_function decode,
                             float* decoded, float alpha, const float* bias, float low, float high,
                             const float* residual, float* out) {
  int32_t row, column;
  for (column = 0; column < columns; ++column) {
    decode(weight, column, decoded);
    for (row = 0; row < rows; ++row) {
      const int32_t at = row * columns + column;
      float sum = dot_f32(in + row * depth, decoded, depth) * alpha;
      if (bias != 0) sum += bias[column];
      if (residual != 0) sum += residual[at];
      out[at] = clamp(sum, low, high);
    }
  }
}
