// SPDX-License-Identifier: Apache-2.0
// needs: dot_f32 clamp
// [rows, depth] x [columns, depth] in float. `bias` and `residual` may be null; `residual` may be
// `out`.
static void dense_f32(int32_t rows, int32_t depth, int32_t columns, const float* in,
                      const float* weight, float alpha, const float* bias, float low, float high,
                      const float* residual, float* out) {
  int32_t row, column;
  for (row = 0; row < rows; ++row) {
    for (column = 0; column < columns; ++column) {
      float sum = dot_f32(in, weight + column * depth, depth) * alpha;
      if (bias != 0) sum += bias[column];
      if (residual != 0) sum += *residual++;
      *out++ = clamp(sum, low, high);
    }
    in += depth;
  }
}
