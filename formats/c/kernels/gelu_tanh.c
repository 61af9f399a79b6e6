// SPDX-License-Identifier: Apache-2.0
// Gelu in its approximation by tanh.
static float gelu_tanh(float x) {
  return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));  // sqrt(2 / pi)
}
