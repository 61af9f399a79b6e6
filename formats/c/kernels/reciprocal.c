// SPDX-License-Identifier: Apache-2.0
static float reciprocal(float x) { return 1.0f / x; }
