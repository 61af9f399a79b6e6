// SPDX-License-Identifier: Apache-2.0
// Arithmetic of weight quantization on plain arrays: scales that cover the range, and codes rounded
// to nearest; scale_search.hpp and balance.hpp have finer ways. real = scale * (code - zero_point),
// codes rounded to nearest, ties to even. A group without any value other than zero gets scale 1
// and the code of zero. Loops are written so that the compiler vectorises them.
#pragma once

#include <cstddef>
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

// Codes of groups.size() groups of `size` values each, one after the other.
// codes.size() == values.size().
void encode(std::span<const float> values, size_t size, std::span<const GroupParameters> groups,
            const CodeRange& range, std::span<int8_t> codes);
inline void encode(std::span<const float> values, const GroupParameters& group,
                   const CodeRange& range, std::span<int8_t> codes) {
  encode(values, values.size(), {&group, 1}, range, codes);
}
// The same with a group of its own for every element (columns of a row-major matrix).
void encode(std::span<const float> values, std::span<const float> scales,
            std::span<const int32_t> zero_points, const CodeRange& range, std::span<int8_t> codes);

}  // namespace pare::quantize
