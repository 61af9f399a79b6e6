// SPDX-License-Identifier: Apache-2.0
static float prelu_f32(float x, float slope) { return x < 0.0f ? x * slope : x; }
