// SPDX-License-Identifier: Apache-2.0
// needs: softplus
static float mish(float x) { return x * tanhf(softplus(x)); }
