// SPDX-License-Identifier: Apache-2.0
// A function of one code, tabulated for all 256.
static void table_u8(const uint8_t* table, const uint8_t* in, uint8_t* out, int32_t count) {
  int32_t i;
  for (i = 0; i < count; ++i) out[i] = table[in[i]];
}
