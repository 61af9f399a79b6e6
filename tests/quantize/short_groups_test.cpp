// SPDX-License-Identifier: Apache-2.0
#include "quantize/short_groups.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"
#include "lib/ir/narrow.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::quantize {
namespace {

// Of all magnitudes from subnormal to large, with groups of zeros and constants among them.
std::vector<float> mixed_values(size_t size, size_t count) {
  Rng rng(size * 1000 + count);
  std::vector<float> out(size * count);
  for (size_t g = 0; g < count; ++g) {
    const auto scale = std::ldexp(1.0F, static_cast<int>(rng.below(60)) - 45);
    for (size_t i = 0; i < size; ++i) {
      const float drawn = rng.uniform(-1, 1) * scale;
      out[g * size + i] = g % 7 == 3 ? 0.0F : g % 7 == 5 ? scale : drawn;
    }
    if (g == 2) out[g * size] = 1e-39F;
  }
  return out;
}

// Sizes around every vector width, odd and even, powers of two and not, up to what is one group.
constexpr size_t kSizes[] = {1,  2,  3,  8,  15, 16,  17,   24,   31,
                             32, 33, 48, 64, 96, 128, 1000, 1024, 1025};
constexpr size_t kCounts[] = {0, 1, 2, 15, 16, 17, 40};

TEST_CASE("many groups get the parameters and codes that each gets alone") {
  for (const bool symmetric : {true, false}) {
    for (const int bits : {4, 8}) {
      const CodeRange range = code_range(bits, symmetric);
      for (const size_t size : kSizes) {
        for (const size_t count : kCounts) {
          const std::vector<float> values = mixed_values(size, count);
          std::vector<float> scales(count);
          std::vector<int32_t> zeros(symmetric ? 0 : count);
          REQUIRE(cover_groups(values, size, range, {scales, zeros}));
          std::vector<int8_t> codes(values.size()), alone(size);
          encode_groups(values, size, scales, zeros, range, codes);
          for (size_t g = 0; g < count; ++g) {
            const std::span group(values.data() + g * size, size);
            const GroupParameters expected = covering(extent_of(group), range);
            REQUIRE(std::bit_cast<uint32_t>(scales[g]) == std::bit_cast<uint32_t>(expected.scale));
            if (!symmetric) REQUIRE(zeros[g] == expected.zero_point);
            encode(group, expected, range, alone);
            REQUIRE(std::equal(alone.begin(), alone.end(), codes.data() + g * size));
          }
        }
      }
    }
  }
}

TEST_CASE("values stored as f16 give the scales of the widened ones") {
  const CodeRange range = code_range(4, true);
  for (const size_t size : kSizes) {
    if (size > kLongestHalfGroup) continue;
    for (const size_t count : kCounts) {
      std::vector<float> values = mixed_values(size, count);
      std::vector<uint16_t> halves(values.size());
      ir::narrow_f16(values, halves);
      ir::round_to_f16(values);
      std::vector<float> scales(count), expected(count);
      REQUIRE(cover_groups(values, size, range, {expected, {}}));
      REQUIRE(cover_half_groups(std::as_bytes(std::span(halves)), size, range, scales));
      REQUIRE(scales == expected);
    }
  }
}

TEST_CASE("NaN and infinity are seen at every place of every group") {
  constexpr size_t kSize = 33, kCount = 3;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    for (const size_t size : {kSize, kSize - 1}) {
      for (size_t i = 0; i < size * kCount; ++i) {
        std::vector<float> values(size * kCount, 0.5F), scales(kCount);
        std::vector<int32_t> zeros(kCount);
        values[i] = bad;
        CHECK(!cover_groups(values, size, code_range(4, true), {scales, {}}));
        CHECK(!cover_groups(values, size, code_range(4, false), {scales, zeros}));
        std::vector<uint16_t> halves(values.size());
        ir::narrow_f16(values, halves);
        CHECK(!cover_half_groups(std::as_bytes(std::span(halves)), size, code_range(4, true),
                                 scales));
      }
    }
  }
}

TEST_CASE("the range of scales is their smallest and largest") {
  const std::vector<float> scales{0.5F, 3.0F, 1e-30F, 2.0F, 7.0F};
  const ScaleRange all = range_of(scales);
  CHECK(all.smallest == 1e-30F);
  CHECK(all.largest == 7.0F);
  const ScaleRange both =
      joined(range_of(std::span(scales).first(1)), range_of(std::span(scales).last(1)));
  CHECK(both.smallest == 0.5F);
  CHECK(both.largest == 7.0F);
}

TEST_CASE("pairs of codes lie as pack_nibbles puts them") {
  for (const size_t bytes : {0U, 1U, 15U, 16U, 31U, 32U, 33U, 100U}) {
    Rng rng(bytes);
    std::vector<int32_t> codes(2 * bytes);
    for (int32_t& code : codes) code = static_cast<int32_t>(rng.below(16)) - 8;
    const std::vector<int8_t> narrow(codes.begin(), codes.end());
    ir::Bytes out(bytes);
    pack_pairs(narrow, out);
    CHECK(out == ir::pack_nibbles(codes));
  }
}

}  // namespace
}  // namespace pare::quantize
