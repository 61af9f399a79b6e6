// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for any architecture.
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace {

// Sixteen lanes, each the value of `at` for its index.
template <class T, class At>
[[gnu::always_inline]] inline std::array<T, 16> lanes_of(const At& at) {
  std::array<T, 16> out;
  for (size_t i = 0; i < 16; ++i) out[i] = at(i);
  return out;
}

struct Ints {
  std::array<uint32_t, 16> at;

  static Ints zero() { return set(0); }
  static Ints set(int32_t x) {
    return {lanes_of<uint32_t>([=](size_t) { return static_cast<uint32_t>(x); })};
  }
  static Ints load(const uint8_t* p) {
    Ints out;
    std::memcpy(out.at.data(), p, sizeof out.at);
    return out;
  }
  Ints low_halves() const {
    return {lanes_of<uint32_t>([&](size_t i) { return at[i] & 0x0F0F0F0F; })};
  }
  Ints high_halves() const {
    return {lanes_of<uint32_t>([&](size_t i) { return at[i] >> 4 & 0x0F0F0F0F; })};
  }
  Ints plus(const Ints& other) const {
    return {lanes_of<uint32_t>([&](size_t i) { return at[i] + other.at[i]; })};
  }
  Ints times_256() const {
    return {lanes_of<uint32_t>([&](size_t i) { return at[i] << 8; })};
  }
  void add_dot4(const Ints& codes, const Ints& digits) {
    for (size_t i = 0; i < 16; ++i) {
      for (int shift = 0; shift < 32; shift += 8) {
        const auto code = static_cast<int32_t>(codes.at[i] >> shift & 255);
        const auto digit = static_cast<int8_t>(static_cast<uint8_t>(digits.at[i] >> shift));
        at[i] += static_cast<uint32_t>(code * digit);
      }
    }
  }
};

struct Floats {
  std::array<float, 16> at;

  static Floats zero() { return set(0.0F); }
  static Floats set(float x) {
    return {lanes_of<float>([=](size_t) { return x; })};
  }
  static Floats load(const uint8_t* p) {
    Floats out;
    std::memcpy(out.at.data(), p, sizeof out.at);
    return out;
  }
  // Finite ones, by bits: f16's exponent starts 112 above f32's.
  static Floats of_halves(const uint8_t* p) {
    return {lanes_of<float>([=](size_t i) {
      uint16_t bits = 0;
      std::memcpy(&bits, p + 2 * i, sizeof bits);
      const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
      return std::bit_cast<float>(static_cast<uint32_t>(bits & 0x7FFF) << 13 | sign) * 0x1p112F;
    })};
  }
  static Floats of(const Ints& x) {
    return {lanes_of<float>(
        [&](size_t i) { return static_cast<float>(static_cast<int32_t>(x.at[i])); })};
  }
  Floats plus(const Floats& other) const {
    return {lanes_of<float>([&](size_t i) { return at[i] + other.at[i]; })};
  }
  Floats minus(const Floats& other) const {
    return {lanes_of<float>([&](size_t i) { return at[i] - other.at[i]; })};
  }
  Floats times(const Floats& other) const {
    return {lanes_of<float>([&](size_t i) { return at[i] * other.at[i]; })};
  }
  void add_product(const Floats& a, const Floats& b) { *this = plus(a.times(b)); }
  void store(float* to) const { std::memcpy(to, at.data(), sizeof at); }
};

constexpr int kTileRows = 1;
constexpr int kSetsOfOne = 1;

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedScalar = kGrouped;

}  // namespace pare::runtime::own
