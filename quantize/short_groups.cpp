// SPDX-License-Identifier: Apache-2.0
#include "quantize/short_groups.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "lib/core/cpu_clones.hpp"

namespace pare::quantize {

namespace {

constexpr float kRound = 12582912.0F;  // as in weight_codes.cpp
constexpr float kSmallestScale = std::numeric_limits<float>::min();
constexpr int32_t kInfinity = 0x7F800000;
// Values whose groups are looked at side by side.
constexpr size_t kTogether = kLongestHalfGroup;
constexpr size_t kUsual = 32;  // the default group_size: its loops are unrolled

int32_t ordered(int32_t bits) { return bits ^ (bits >> 31 & 0x7FFFFFFF); }

using Keys = std::array<int32_t, kTogether>;

// Integers that order like the floats (as in weight_codes.cpp), or like their magnitudes; pair(i)
// is the one of values 2 * i and 2 * i + 1 that counts.
struct Largest {
  const float* values;
  static int32_t pick(int32_t a, int32_t b) { return std::max(a, b); }
  int32_t at(size_t i) const { return ordered(std::bit_cast<int32_t>(values[i])); }
  int32_t pair(size_t i) const { return pick(at(2 * i), at(2 * i + 1)); }
};
struct Smallest {
  const float* values;
  static int32_t pick(int32_t a, int32_t b) { return std::min(a, b); }
  int32_t at(size_t i) const { return ordered(std::bit_cast<int32_t>(values[i])); }
  int32_t pair(size_t i) const { return pick(at(2 * i), at(2 * i + 1)); }
};
struct Magnitude {
  const float* values;
  static int32_t pick(int32_t a, int32_t b) { return std::max(a, b); }
  int32_t at(size_t i) const { return std::bit_cast<int32_t>(values[i]) & 0x7FFFFFFF; }
  int32_t pair(size_t i) const { return pick(at(2 * i), at(2 * i + 1)); }
  static float value(int32_t key) { return std::bit_cast<float>(key); }
  static constexpr int32_t kInfinite = kInfinity;
};
// Of f16 as they are stored, which need no alignment.
struct HalfMagnitude {
  const std::byte* values;
  static int32_t pick(int32_t a, int32_t b) { return std::max(a, b); }
  int32_t at(size_t i) const {
    uint16_t half = 0;
    std::memcpy(&half, values + 2 * i, sizeof half);
    return half & 0x7FFF;
  }
  int32_t pair(size_t i) const {
    uint32_t two = 0;
    std::memcpy(&two, values + 4 * i, sizeof two);
    return pick(static_cast<int32_t>(two & 0x7FFF), static_cast<int32_t>(two >> 16 & 0x7FFF));
  }
  // As widen() has it, of finite ones.
  static float value(int32_t key) {
    constexpr int32_t kOne = 1 << 23;  // in the exponent
    const int32_t bits = key << 13;
    const float subnormal = std::bit_cast<float>(bits + 113 * kOne) - 0x1p-14F;
    return bits < kOne ? subnormal : std::bit_cast<float>(bits + 112 * kOne);
  }
  static constexpr int32_t kInfinite = 0x7C00;
};

// The extreme key, or 0's, of `count` groups of `size` values: neighbours are joined until groups
// of one are left, or of an odd number. count * size <= kTogether.
template <class Key>
[[gnu::always_inline]] inline void extremes(const Key& values, size_t size, size_t count,
                                            int32_t* out) {
  Keys a, b;
  int32_t *from = a.data(), *to = b.data();
  size_t n = count * size, width = size;
  if (width > 0 && width % 2 == 0) {
    n /= 2, width /= 2;
    for (size_t i = 0; i < n; ++i) from[i] = values.pair(i);
  } else {
    for (size_t i = 0; i < n; ++i) from[i] = values.at(i);
  }
  while (width > 0 && width % 2 == 0) {
    n /= 2, width /= 2;
    const int32_t* __restrict in = from;
    int32_t* __restrict joined = to;
    for (size_t i = 0; i < n; ++i) joined[i] = Key::pick(in[2 * i], in[2 * i + 1]);
    std::swap(from, to);
  }
  for (size_t g = 0; g < count; ++g) out[g] = 0;
  for (size_t i = 0; i < width; ++i) {
    for (size_t g = 0; g < count; ++g) out[g] = Key::pick(out[g], from[g * width + i]);
  }
}

template <class Key>
[[gnu::always_inline]] inline bool cover_centred(const Key& values, size_t size, size_t count,
                                                 float steps, float* scales) {
  Keys keys;
  extremes(values, size, count, keys.data());
  int32_t largest = 0;
  for (size_t g = 0; g < count; ++g) {
    largest = std::max(largest, keys[g]);
    const float scale = Key::value(keys[g]) / steps;
    scales[g] = scale >= kSmallestScale ? scale : 1.0F;
  }
  return largest < Key::kInfinite;
}

PARE_CPU_CLONES
bool cover_floats(const float* values, size_t size, size_t count, float steps, float* scales) {
  return cover_centred(Magnitude{values}, size, count, steps, scales);
}

PARE_CPU_CLONES
bool cover_halves(const std::byte* values, size_t size, size_t count, float steps, float* scales) {
  return cover_centred(HalfMagnitude{values}, size, count, steps, scales);
}

PARE_CPU_CLONES
bool cover_shifted(const float* values, size_t size, size_t count, const CodeRange& range,
                   float* scales, int32_t* zero_points) {
  Keys lows, highs;
  extremes(Smallest{values}, size, count, lows.data());
  extremes(Largest{values}, size, count, highs.data());
  int32_t lowest = 0, highest = 0;
  for (size_t g = 0; g < count; ++g) {
    lowest = std::min(lowest, lows[g]);
    highest = std::max(highest, highs[g]);
  }
  if (lowest <= ~kInfinity || highest >= kInfinity) return false;
  const auto first = static_cast<float>(range.low), last = static_cast<float>(range.high);
  const float levels = last - first;
  for (size_t g = 0; g < count; ++g) {
    const float low = std::bit_cast<float>(ordered(lows[g]));
    const float scale = std::bit_cast<float>(highs[g]) / levels - low / levels;
    const bool some = scale >= kSmallestScale;
    scales[g] = some ? scale : 1.0F;
    const float zero = ((first - low / scales[g]) + kRound) - kRound;
    const float inside = std::min(std::max(zero, first), last);
    zero_points[g] = some ? static_cast<int32_t>(inside) : range.low;
  }
  return true;
}

// kShifted: with zero points.
template <bool kShifted>
[[gnu::always_inline]] inline void encode_each(const float* values, size_t size, size_t count,
                                               const float* scales, const int32_t* zero_points,
                                               const CodeRange& range, int8_t* codes) {
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  for (size_t g = 0; g < count; ++g) {
    const float scale = scales[g], zero = kShifted ? static_cast<float>(zero_points[g]) : 0.0F;
    for (size_t i = 0; i < size; ++i) {
      const float x = values[g * size + i] / scale + zero;
      const float code = (std::min(std::max(x, low), high) + kRound) - kRound;
      codes[g * size + i] = static_cast<int8_t>(static_cast<int32_t>(code));
    }
  }
}

PARE_CPU_CLONES
void encode_usual(const float* values, size_t count, const float* scales, const CodeRange& range,
                  int8_t* codes) {
  encode_each<false>(values, kUsual, count, scales, nullptr, range, codes);
}

PARE_CPU_CLONES
void encode_centred(const float* values, size_t size, size_t count, const float* scales,
                    const CodeRange& range, int8_t* codes) {
  encode_each<false>(values, size, count, scales, nullptr, range, codes);
}

PARE_CPU_CLONES
void encode_shifted(const float* values, size_t size, size_t count, const float* scales,
                    const int32_t* zero_points, const CodeRange& range, int8_t* codes) {
  encode_each<true>(values, size, count, scales, zero_points, range, codes);
}

// Positive floats order like their bits.
PARE_CPU_CLONES
void extremes_of(const float* scales, size_t n, int32_t& smallest, int32_t& largest) {
  int32_t low = smallest, high = largest;
  for (size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<int32_t>(scales[i]);
    low = std::min(low, bits);
    high = std::max(high, bits);
  }
  smallest = low;
  largest = high;
}

PARE_CPU_CLONES
void pack_all(const int8_t* codes, std::byte* out, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    uint16_t pair = 0;
    std::memcpy(&pair, codes + 2 * i, sizeof pair);
    out[i] = static_cast<std::byte>((pair & 15) | (pair >> 4 & 0xF0));
  }
}

}  // namespace

bool cover_groups(std::span<const float> values, size_t size, const CodeRange& range,
                  const GroupSpans& out) {
  const size_t together = std::max<size_t>(1, kTogether / std::max<size_t>(1, size));
  bool finite = true;
  for (size_t first = 0; first < out.scales.size(); first += together) {
    const size_t count = std::min(together, out.scales.size() - first);
    const float* const from = values.data() + first * size;
    float* const scales = out.scales.data() + first;
    if (size > kTogether) {  // a group long enough for loops of its own
      const Extent extent = extent_of({from, size});
      const GroupParameters group = covering(extent, range);
      *scales = group.scale;
      if (!range.symmetric) out.zero_points[first] = group.zero_point;
      finite = finite && extent.finite;
    } else if (range.symmetric) {
      finite &= cover_floats(from, size, count, static_cast<float>(range.high), scales);
    } else {
      finite &= cover_shifted(from, size, count, range, scales, out.zero_points.data() + first);
    }
  }
  return finite;
}

bool cover_half_groups(std::span<const std::byte> values, size_t size, const CodeRange& range,
                       std::span<float> scales) {
  const size_t together = kTogether / size;
  bool finite = true;
  for (size_t first = 0; first < scales.size(); first += together) {
    const size_t count = std::min(together, scales.size() - first);
    finite &= cover_halves(values.data() + first * size * 2, size, count,
                           static_cast<float>(range.high), scales.data() + first);
  }
  return finite;
}

ScaleRange joined(const ScaleRange& a, const ScaleRange& b) {
  return {std::min(a.smallest, b.smallest), std::max(a.largest, b.largest), a.finite && b.finite};
}

ScaleRange range_of(std::span<const float> scales) {
  int32_t smallest = kInfinity, largest = 0;
  extremes_of(scales.data(), scales.size(), smallest, largest);
  return {std::bit_cast<float>(smallest), std::bit_cast<float>(largest), true};
}

void encode_groups(std::span<const float> values, size_t size, std::span<const float> scales,
                   std::span<const int32_t> zero_points, const CodeRange& range,
                   std::span<int8_t> codes) {
  const size_t count = scales.size();
  if (!zero_points.empty()) {
    encode_shifted(values.data(), size, count, scales.data(), zero_points.data(), range,
                   codes.data());
  } else if (size == kUsual) {
    encode_usual(values.data(), count, scales.data(), range, codes.data());
  } else {
    encode_centred(values.data(), size, count, scales.data(), range, codes.data());
  }
}

void pack_pairs(std::span<const int8_t> codes, std::span<std::byte> out) {
  pack_all(codes.data(), out.data(), out.size());
}

}  // namespace pare::quantize
