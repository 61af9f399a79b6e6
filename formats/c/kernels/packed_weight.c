// SPDX-License-Identifier: Apache-2.0
// Weights held as codes, [rows, columns]: weight = scale * (code - zero point), one scale (and zero
// point, unless null) for every group_size consecutive columns of a row.
struct packed_weight {
  const uint8_t* codes;  // a byte each, or two a byte with the even index in the low half
  const float* scales;
  const uint8_t* zero_points;
  int32_t columns, group_size;
};

typedef void (*decode_row_function)(const struct packed_weight* w, int32_t row, float* out);
