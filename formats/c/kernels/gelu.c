// SPDX-License-Identifier: Apache-2.0
static float gelu(float x) {
  return 0.5f * x * (1.0f + erff(x * 0.70710678f));  // x / sqrt(2)
}
