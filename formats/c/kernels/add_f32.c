// SPDX-License-Identifier: Apache-2.0
static float add_f32(float a, float b) { return a + b; }
