// SPDX-License-Identifier: Apache-2.0
static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
