// SPDX-License-Identifier: Apache-2.0
// needs: clamp
// How the sums of an integer layer become its output, channel by channel (real_output):
//   clamp(sum * multiplier[c] + residual_multiplier * (residual - residual_zero))
// in float, every operation rounded; then rounded to a code around zero, unless the output is
// float. A layer with weights in groups has the value before the residual (completed).
struct requantize {
  const int32_t* bias;
  const float* multiplier;
  int32_t input_zero;
  float residual_multiplier;
  int32_t residual_zero;
  float low, high;
  int32_t zero;
};

static float completed(const struct requantize* r, float v, const uint8_t* residual) {
  if (residual != 0) {
    v = v + r->residual_multiplier * (float)((int32_t)*residual - r->residual_zero);
  }
  return clamp(v, r->low, r->high);
}
