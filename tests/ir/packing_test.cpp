// SPDX-License-Identifier: Apache-2.0
// Nibbles, binary16 and bfloat16: every value there is.
#include <bit>
#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/rng.hpp"
#include "lib/ir/narrow.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::ir {
namespace {

TEST_CASE("nibbles pack the even index low and unpack to what they were") {
  CHECK(pack_nibbles(std::vector<int32_t>{1, -2, 7}) == Bytes{std::byte{0xE1}, std::byte{0x07}});
  Rng rng(5);
  for (int64_t count = 0; count < 40; ++count) {
    for (const bool is_signed : {true, false}) {
      std::vector<int32_t> codes(static_cast<size_t>(count));
      for (auto& c : codes) c = static_cast<int32_t>(rng.below(16)) - (is_signed ? 8 : 0);
      CHECK(unpack_nibbles(pack_nibbles(codes), count, is_signed) == codes);
    }
  }
}

// From the definition of binary16, in double.
double half_value(uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST_CASE("all 65,536 halves widen to their value and come back to the same bits") {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = f16_to_f32(bits);
    const bool special = (bits >> 10 & 31) == 31;
    if (special && (bits & 1023) != 0) {
      REQUIRE(std::isnan(value));
      REQUIRE(std::isnan(f16_to_f32(f32_to_f16(value))));
      REQUIRE(f32_to_f16(value) == (bits | 0x200));
      continue;
    }
    if (special) {
      REQUIRE(std::isinf(value));
    } else {
      REQUIRE(static_cast<double>(value) == half_value(bits));
    }
    REQUIRE(f32_to_f16(value) == bits);
  }
}

TEST_CASE("narrowing to f16 rounds to nearest, ties to even") {
  // Midpoints between neighbours, and the floats just beside them, for every finite half.
  for (uint32_t i = 0; i < 0x7BFF; ++i) {
    const auto low = static_cast<uint16_t>(i);
    const auto high = static_cast<uint16_t>(i + 1);
    const auto middle = static_cast<float>((half_value(low) + half_value(high)) / 2);
    REQUIRE(f32_to_f16(middle) == (i % 2 == 0 ? low : high));
    REQUIRE(f32_to_f16(std::nextafter(middle, 0.0F)) == low);
    REQUIRE(f32_to_f16(std::nextafter(middle, 1e9F)) == high);
  }
  CHECK(f32_to_f16(65519.996F) == 0x7BFF);
  CHECK(f32_to_f16(65520.0F) == 0x7C00);
  CHECK(f32_to_f16(-1e-10F) == 0x8000);
}

TEST_CASE("many values narrow to f16 as each alone, at any place in a row") {
  // Every half and its neighbours on both sides of every rounding border, of either sign, and what
  // lies beyond the largest and below the smallest; an odd length leaves a tail.
  std::vector<float> values{1e-10F, 1e-40F, 0x1p-25F, 65519.996F, 65520.0F, 3e38F};
  for (uint32_t i = 0; i < 0x7FFF; ++i) {
    const float value = f16_to_f32(static_cast<uint16_t>(i));
    const float border = std::bit_cast<float>(std::bit_cast<uint32_t>(value) + 0x1000U);
    for (const float v :
         {value, border, std::nextafter(border, 0.0F), std::nextafter(border, 9e9F)}) {
      values.push_back(v);
      values.push_back(-v);
    }
  }
  values.push_back(0.3F);
  std::vector<uint16_t> halves(values.size());
  narrow_f16(values, halves);
  std::vector<float> rounded = values;
  round_to_f16(rounded);
  for (size_t i = 0; i < values.size(); ++i) {
    REQUIRE(halves[i] == f32_to_f16(values[i]));
    REQUIRE(std::bit_cast<uint32_t>(rounded[i]) == std::bit_cast<uint32_t>(f16_to_f32(halves[i])));
  }
}

TEST_CASE("bfloat16 keeps every one of its values and rounds ties to even") {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = bf16_to_f32(bits);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(bf16_to_f32(f32_to_bf16(value))));
    } else {
      REQUIRE(f32_to_bf16(value) == bits);
    }
  }
  CHECK(f32_to_bf16(std::bit_cast<float>(0x3F808000U)) == 0x3F80);
  CHECK(f32_to_bf16(std::bit_cast<float>(0x3F818000U)) == 0x3F82);
  CHECK(f32_to_bf16(std::bit_cast<float>(0x3F808001U)) == 0x3F81);
}

}  // namespace
}  // namespace pare::ir
