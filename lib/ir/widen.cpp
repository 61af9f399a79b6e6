// SPDX-License-Identifier: Apache-2.0
#include "lib/ir/widen.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lib/core/cpu_clones.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::ir {

namespace {

// Integer arithmetic on the patterns with one exception: a subnormal f16 is the difference of two
// normal f32, which is exact, so that no CPU falls back to its slow path for subnormals. The bits
// are f16_to_f32's.
PARE_CPU_CLONES
void widen_f16(const std::byte* from, float* to, size_t n) {
  constexpr uint32_t kOne = 1U << 23;  // in the exponent
  for (size_t i = 0; i < n; ++i) {
    uint16_t half = 0;
    std::memcpy(&half, from + 2 * i, sizeof half);
    const uint32_t magnitude = static_cast<uint32_t>(half & 0x7FFF) << 13;
    const uint32_t normal = magnitude + 112 * kOne;
    const uint32_t special = magnitude + 224 * kOne;
    const float subnormal = std::bit_cast<float>(magnitude + 113 * kOne) - 0x1p-14F;
    uint32_t bits = magnitude >= 31 * kOne ? special : normal;
    bits = magnitude < kOne ? std::bit_cast<uint32_t>(subnormal) : bits;
    to[i] = std::bit_cast<float>(bits | static_cast<uint32_t>(half & 0x8000) << 16);
  }
}

PARE_CPU_CLONES
void widen_bf16(const std::byte* from, float* to, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    uint16_t half = 0;
    std::memcpy(&half, from + 2 * i, sizeof half);
    to[i] = std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
  }
}

template <class From, class To>
void convert(const std::byte* from, std::span<To> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    From value;
    std::memcpy(&value, from + i * sizeof value, sizeof value);
    out[i] = static_cast<To>(value);
  }
}

template <class To>
void convert_nibbles(std::span<const std::byte> packed, int64_t first, std::span<To> out,
                     bool is_signed) {
  const unsigned flip = is_signed ? 8 : 0;  // (x ^ 8) - 8 sign-extends a nibble
  const auto value = [&](unsigned nibble) {
    return static_cast<To>(static_cast<int>(nibble ^ flip) - static_cast<int>(flip));
  };
  const std::byte* at = packed.data() + first / 2;
  size_t i = 0;
  if (first % 2 != 0 && !out.empty()) out[i++] = value(std::to_integer<unsigned>(*at++) >> 4);
  for (; i + 1 < out.size(); i += 2, ++at) {
    const auto byte = std::to_integer<unsigned>(*at);
    out[i] = value(byte & 15U);
    out[i + 1] = value(byte >> 4);
  }
  if (i < out.size()) out[i] = value(std::to_integer<unsigned>(*at) & 15U);
}

template <class To>
void widen_halves(DType dtype, const std::byte* from, std::span<To> out) {
  if constexpr (std::is_same_v<To, float>) {
    return dtype == DType::kF16 ? widen_f16(from, out.data(), out.size())
                                : widen_bf16(from, out.data(), out.size());
  }
  throw Bug("floats are not read as integers");
}

template <class To>
void widen_any(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<To> out) {
  const int bits = info(dtype).bits;
  const auto count = static_cast<int64_t>(bytes.size()) * 8 / bits;
  require(first >= 0 && first + static_cast<int64_t>(out.size()) <= count,
          "elements that are asked for exist");
  if (dtype == DType::kI4 || dtype == DType::kU4) {
    return convert_nibbles(bytes, first, out, dtype == DType::kI4);
  }
  const std::byte* from = bytes.data() + first * (bits / 8);
  switch (dtype) {
    case DType::kF32:
      if constexpr (std::is_same_v<To, float>) {
        if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
        return;
      }
      return convert<float>(from, out);
    case DType::kF16:
    case DType::kBF16:
      return widen_halves(dtype, from, out);
    case DType::kI64:
      return convert<int64_t>(from, out);
    case DType::kI32:
      return convert<int32_t>(from, out);
    case DType::kI16:
      return convert<int16_t>(from, out);
    case DType::kI8:
      return convert<int8_t>(from, out);
    case DType::kU8:
    case DType::kBool:
      return convert<uint8_t>(from, out);
    default:
      throw Bug("dtype");
  }
}

}  // namespace

void widen(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<float> out) {
  widen_any(dtype, bytes, first, out);
}
void widen(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<int32_t> out) {
  widen_any(dtype, bytes, first, out);
}
void widen(DType dtype, std::span<const std::byte> bytes, int64_t first, std::span<int64_t> out) {
  widen_any(dtype, bytes, first, out);
}

}  // namespace pare::ir
