// SPDX-License-Identifier: Apache-2.0
// needs: requantize
// The output of a channel before it is rounded to a code.
static float real_output(const struct requantize* r, int32_t sum, int32_t channel,
                         const uint8_t* residual) {
  return completed(r, (float)sum * r->multiplier[channel], residual);
}
