// SPDX-License-Identifier: Apache-2.0
static void fill_u8(uint8_t* out, int32_t count, uint8_t code) { memset(out, code, (size_t)count); }
