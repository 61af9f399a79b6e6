// SPDX-License-Identifier: Apache-2.0
// log(1 + exp(x)) without overflow.
static float softplus(float x) { return (x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x))); }
