// SPDX-License-Identifier: Apache-2.0
// Arithmetic of weight quantization on plain arrays: scales by range (round to nearest) or by a
// search for the least squared error, and codes. real = scale * (code - zero_point), codes rounded
// to nearest, ties to even. A group without any value other than zero gets scale 1 and the code of
// zero. Loops are written so that the compiler vectorises them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pare::quantize {

// The integers a code may take: i8 symmetric -127..127, i4 symmetric -8..7, u8 0..255, u4 0..15.
struct CodeRange {
  int32_t low = -127;
  int32_t high = 127;
  bool symmetric = true;
};
CodeRange code_range(int bits, bool symmetric);

struct GroupParameters {
  float scale = 1.0F;
  int32_t zero_point = 0;
};

struct Extent {
  float low = 0;
  float high = 0;
  bool finite = true;
};
// Smallest and largest value, 0 included.
Extent extent_of(std::span<const float> values);

// Of out.size() groups of `group` values each, one after the other.
void extents_of(std::span<const float> values, size_t group, std::span<Extent> out);
// Smallest and largest of both.
Extent joined(const Extent& a, const Extent& b);

// Extents of the columns of a row-major matrix, fed row by row.
class ColumnExtents {
 public:
  explicit ColumnExtents(size_t columns) : low_(columns), high_(columns) {}
  void add(std::span<const float> row);
  void join(const ColumnExtents& other);
  Extent at(size_t column) const;

 private:
  std::vector<int32_t> low_, high_;  // as integers that order like the floats
};

// The range is covered: |x - real(code(x))| <= scale / 2 for every x.
GroupParameters covering(const Extent& extent, const CodeRange& range);

// Whether the extent alone makes certain that least_squares() gives a scale in [2^-14, 65504], the
// normal numbers of f16.
bool scale_surely_fits_f16(const Extent& extent, const CodeRange& range);

// Least squared error over a grid of shrunk ranges, then one least-squares fit of the scale to the
// best codes (kept when it is better).
GroupParameters least_squares(std::span<const float> values, const CodeRange& range);

// Code of each value. codes.size() == values.size().
void encode(std::span<const float> values, const GroupParameters& group, const CodeRange& range,
            std::span<int8_t> codes);
// The same with a group of its own for every element (columns of a row-major matrix).
void encode(std::span<const float> values, std::span<const float> scales,
            std::span<const int32_t> zero_points, const CodeRange& range, std::span<int8_t> codes);

// Moves a few codes to their second-nearest value so that the rounding errors of the group add up
// to at most half a scale: inputs after Relu have a mean, over which errors of one sign add up (the
// idea of SQuant, Guo et al., ICLR 2022, for one group). Those nearest to a tie move first, so a
// value is off by less than one scale. Zeros and clipped values stay. `codes` come from encode()
// with the same arguments; 4 bits only (u8 codes do not fit the signed type's arithmetic).
void balance(std::span<const float> values, const GroupParameters& group, const CodeRange& range,
             std::span<int8_t> codes);

}  // namespace pare::quantize
