// SPDX-License-Identifier: Apache-2.0
// needs: clamp
static float hard_swish(float x) { return x * clamp(x * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f); }
