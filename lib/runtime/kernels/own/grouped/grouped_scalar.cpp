// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for any architecture.
#include <array>
#include <bit>
#include <cmath>
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
  void store(uint8_t* to) const { std::memcpy(to, at.data(), sizeof at); }
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
  void add_dot(const Ints& codes, const Ints& digits) {
    const auto half = [](uint32_t x, int shift) {
      return static_cast<int32_t>(static_cast<int16_t>(x >> shift & 0xFFFF));
    };
    for (size_t i = 0; i < 16; ++i) {
      at[i] += static_cast<uint32_t>(half(codes.at[i], 0) * half(digits.at[i], 0) +
                                     half(codes.at[i], 16) * half(digits.at[i], 16));
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
  static Floats load_floats(const float* p) {
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
  void add_product(const Floats& a, const Floats& b) {
    for (size_t i = 0; i < 16; ++i) at[i] = std::fma(a.at[i], b.at[i], at[i]);
  }
  void store(float* to) const { std::memcpy(to, at.data(), sizeof at); }
};

constexpr int kDigits = 2;
constexpr int kWords = 2;
[[gnu::always_inline]] inline void split(const Ints& quad, Ints (&words)[kWords]) {
  words[0] = {lanes_of<uint32_t>([&](size_t i) { return quad.at[i] & 0x00FF00FF; })};
  words[1] = {lanes_of<uint32_t>([&](size_t i) { return quad.at[i] >> 8 & 0x00FF00FF; })};
}

constexpr int kManyRows = 1;
constexpr int kFewRows = 1;
constexpr int kSetsOfOne = 1;

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedScalar = kGrouped;

}  // namespace pare::runtime::own
