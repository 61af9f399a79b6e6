// SPDX-License-Identifier: Apache-2.0
static float softsign(float x) { return x / (1.0f + fabsf(x)); }
