// SPDX-License-Identifier: Apache-2.0
// needs: clamp
// How the sums of an integer layer become its output, channel by channel:
//   clamp(sum * multiplier[c] + residual_multiplier * (residual - residual_zero))
// in float, every operation rounded; then rounded to a code around zero, unless the output is
// float.
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

static float real_output(const struct requantize* r, int32_t sum, int32_t channel,
                         const uint8_t* residual) {
  return completed(r, (float)sum * r->multiplier[channel], residual);
}
