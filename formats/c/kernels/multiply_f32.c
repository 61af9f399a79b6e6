// SPDX-License-Identifier: Apache-2.0
static float multiply_f32(float a, float b) { return a * b; }
