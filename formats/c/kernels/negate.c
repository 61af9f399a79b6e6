// SPDX-License-Identifier: Apache-2.0
static float negate(float x) { return -x; }
