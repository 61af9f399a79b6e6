// SPDX-License-Identifier: Apache-2.0
#include "quantize/scale_search.hpp"

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
constexpr size_t kLanes = 8;   // sums of a group
constexpr size_t kUsual = 32;  // the default group_size: its loops are unrolled

typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
// Candidates side by side: the first sixteen ranges, and the eight smallest.
typedef float Wide __attribute__((vector_size(64)));
constexpr size_t kWide = 16;
static_assert(kWide + kLanes == kShrinkSteps);

// A CodeRange as floats.
struct Limits {
  float low = 0, high = 0;
};

template <class Vector>
[[gnu::always_inline]] inline Vector load(const float* from) {
  Vector out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

// x in every lane. By way of integers, whose addition of zero costs nothing.
template <class Vector>
[[gnu::always_inline]] inline Vector spread(float x) {
  typedef int32_t Bits __attribute__((vector_size(sizeof(Vector))));
  return reinterpret_cast<Vector>(Bits{} + std::bit_cast<int32_t>(x));
}

[[gnu::always_inline]] inline float sum_of(const Lanes& lanes) {
  float sum = lanes[0];
  for (size_t lane = 1; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

// The whole numbers that values become, without the zero point. kCentred: it is 0.
template <bool kCentred, class Vector>
[[gnu::always_inline]] inline Vector steps_of(const Vector& values, const Vector& inverse,
                                              const Vector& zero, const Limits& limits) {
  Vector x = values * inverse;
  if (!kCentred) x = x + zero;
  const auto lows = spread<Vector>(limits.low), highs = spread<Vector>(limits.high);
  x = x < lows ? lows : x;
  x = highs < x ? highs : x;
  x = (x + kRound) - kRound;
  return kCentred ? x : x - zero;
}

template <bool kCentred, class Vector>
[[gnu::always_inline]] inline Vector squared_error(const Vector& x, const Vector& scale,
                                                   const Vector& inverse, const Vector& zero,
                                                   const Limits& limits) {
  const Vector off = x - scale * steps_of<kCentred>(x, inverse, zero, limits);
  return off * off;
}

// The ways to quantize one group that the search compares.
struct Candidates {
  alignas(64) std::array<float, kShrinkSteps> scale, inverse, zero;
};

// Squared errors of neighbouring candidates, one a lane of Vector.
template <bool kCentred, class Vector>
[[gnu::always_inline]] inline void errors_of(const float* values, size_t n, const Candidates& c,
                                             size_t first, const Limits& limits, float* errors) {
  const auto scale = load<Vector>(c.scale.data() + first);
  const auto inverse = load<Vector>(c.inverse.data() + first);
  const auto zero = load<Vector>(c.zero.data() + first);
  Vector total{};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    Vector sum{};
    for (size_t i = lane; i < n; i += kLanes) {
      sum += squared_error<kCentred>(spread<Vector>(values[i]), scale, inverse, zero, limits);
    }
    total += sum;
  }
  std::memcpy(errors, &total, sizeof total);
}

constexpr std::array<float, kShrinkSteps> shrinks() {
  std::array<float, kShrinkSteps> out{};
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = 1.0F - kShrinkDepth * static_cast<float>(i) / kShrinkSteps;
  }
  return out;
}
alignas(64) constexpr std::array<float, kShrinkSteps> kShrinks = shrinks();

// covering() for shrunk ranges.
template <class Vector>
[[gnu::always_inline]] inline void centred_candidates(float largest, float steps, size_t first,
                                                      Candidates& out) {
  const auto ones = spread<Vector>(1), smallest = spread<Vector>(kSmallestScale);
  Vector scale = largest * load<Vector>(kShrinks.data() + first) / steps;
  scale = scale >= smallest ? scale : ones;
  const Vector inverse = ones / scale;
  std::memcpy(out.scale.data() + first, &scale, sizeof scale);
  std::memcpy(out.inverse.data() + first, &inverse, sizeof inverse);
}

void shifted_candidates(const Extent& extent, const CodeRange& range, Candidates& out) {
  for (size_t i = 0; i < kShrinkSteps; ++i) {
    const GroupParameters group = covering(
        {.low = extent.low * kShrinks[i], .high = extent.high * kShrinks[i], .finite = true},
        range);
    out.scale[i] = group.scale;
    out.inverse[i] = 1.0F / group.scale;
    out.zero[i] = static_cast<float>(group.zero_point);
  }
}

struct Choice {
  float error = 0, scale = 1, inverse = 1, zero = 0;
};

// Squares are not negative, so that their bits order like them, and integer minima vectorise.
template <size_t kCount>
[[gnu::always_inline]] inline int32_t least_bits(const float* errors) {
  int32_t bits[kCount];
  std::memcpy(bits, errors, sizeof bits);
  int32_t least = bits[0];
  for (size_t i = 1; i < kCount; ++i) least = std::min(least, bits[i]);
  return least;
}

// The first of `kCount` candidates that has the error: of equals, the widest range.
template <size_t kCount>
[[gnu::always_inline]] inline Choice choice_of(const float* errors, int32_t error,
                                               const Candidates& c) {
  auto at = static_cast<int32_t>(kCount);
  for (int32_t i = 0; i < static_cast<int32_t>(kCount); ++i) {
    const bool found = std::bit_cast<int32_t>(errors[i]) == error;
    at = std::min(at, found ? i : static_cast<int32_t>(kCount));
  }
  const auto best = static_cast<size_t>(at);
  return {std::bit_cast<float>(error), c.scale[best], c.inverse[best], c.zero[best]};
}

// The smallest ranges rarely get a try: what they cut off the largest value alone is more than the
// least error of the others. Squared, that is no more than their error even as floats, which
// multiply, subtract and add monotonically; of the two last codes the farther one is taken.
[[gnu::always_inline]] inline Choice best_centred(const float* values, size_t n,
                                                  const Limits& limits) {
  int32_t bits = 0;  // of the largest magnitude: they order like their bits
  for (size_t i = 0; i < n; ++i) {
    bits = std::max(bits, std::bit_cast<int32_t>(values[i]) & 0x7FFFFFFF);
  }
  const auto largest = std::bit_cast<float>(bits);
  Candidates c;
  c.zero.fill(0);
  float errors[kShrinkSteps];
  centred_candidates<Wide>(largest, limits.high, 0, c);
  errors_of<true, Wide>(values, n, c, 0, limits, errors);
  const int32_t least = least_bits<kWide>(errors);
  centred_candidates<Lanes>(largest, limits.high, kWide, c);
  const float cut = largest - c.scale[kWide] * -limits.low;
  if (cut > 0 && cut * cut > std::bit_cast<float>(least)) return choice_of<kWide>(errors, least, c);
  errors_of<true, Lanes>(values, n, c, kWide, limits, errors + kWide);
  return choice_of<kShrinkSteps>(errors, least_bits<kShrinkSteps>(errors), c);
}

[[gnu::always_inline]] inline Choice best_shifted(const float* values, size_t n,
                                                  const CodeRange& range, const Limits& limits) {
  Candidates c;
  float errors[kShrinkSteps];
  shifted_candidates(extent_of({values, n}), range, c);
  errors_of<false, Wide>(values, n, c, 0, limits, errors);
  errors_of<false, Lanes>(values, n, c, kWide, limits, errors + kWide);
  return choice_of<kShrinkSteps>(errors, least_bits<kShrinkSteps>(errors), c);
}

// Calls add(values) for eight values at a time. The last ones come with zeros, which every scheme
// stores exactly, so that they add nothing to any sum.
template <class Add>
[[gnu::always_inline]] inline void for_lanes(const float* values, size_t n, const Add& add) {
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) add(load<Lanes>(values + i));
  if (whole == n) return;
  float rest[kLanes] = {};
  std::copy(values + whole, values + n, rest);
  add(load<Lanes>(rest));
}

// The scale that fits a choice's codes best, where its error is smaller.
template <bool kCentred>
[[gnu::always_inline]] inline void refit(const float* values, size_t n, const Limits& limits,
                                         Choice& choice) {
  const auto inverse = spread<Lanes>(choice.inverse), zero = spread<Lanes>(choice.zero);
  Lanes product{}, square{};
  for_lanes(values, n, [&](const Lanes& x) {
    const Lanes q = steps_of<kCentred>(x, inverse, zero, limits);
    product += x * q;
    square += q * q;
  });
  const float squares = sum_of(square);
  const float fitted = squares > 0 ? sum_of(product) / squares : 0.0F;
  if (!(fitted >= kSmallestScale)) return;
  const auto scale = spread<Lanes>(fitted), fitted_inverse = spread<Lanes>(1.0F / fitted);
  Lanes error{};
  for_lanes(values, n, [&](const Lanes& x) {
    error += squared_error<kCentred>(x, scale, fitted_inverse, zero, limits);
  });
  if (sum_of(error) < choice.error) choice.scale = fitted;
}

template <bool kCentred>
[[gnu::always_inline]] inline void search(const float* values, size_t n, const CodeRange& range,
                                          std::span<GroupParameters> out) {
  const Limits limits{static_cast<float>(range.low), static_cast<float>(range.high)};
  for (GroupParameters& group : out) {
    Choice choice =
        kCentred ? best_centred(values, n, limits) : best_shifted(values, n, range, limits);
    refit<kCentred>(values, n, limits, choice);
    group = {choice.scale, static_cast<int32_t>(choice.zero)};
    values += n;
  }
}

PARE_CPU_CLONES
void search_usual(const float* values, const CodeRange& range, std::span<GroupParameters> out) {
  search<true>(values, kUsual, range, out);
}

PARE_CPU_CLONES
void search_centred(const float* values, size_t n, const CodeRange& range,
                    std::span<GroupParameters> out) {
  search<true>(values, n, range, out);
}

PARE_CPU_CLONES
void search_shifted(const float* values, size_t n, const CodeRange& range,
                    std::span<GroupParameters> out) {
  search<false>(values, n, range, out);
}

}  // namespace

void least_squares(std::span<const float> values, size_t size, const CodeRange& range,
                   std::span<GroupParameters> out) {
  if (!range.symmetric) {
    search_shifted(values.data(), size, range, out);
  } else if (size == kUsual) {
    search_usual(values.data(), range, out);
  } else {
    search_centred(values.data(), size, range, out);
  }
}

GroupParameters least_squares(std::span<const float> values, const CodeRange& range) {
  GroupParameters best;
  least_squares(values, values.size(), range, {&best, 1});
  return best;
}

bool scale_surely_fits_f16(const Extent& extent, const CodeRange& range) {
  // Shrunk ranges give at least half the covering scale, and the refitted one is a mean of
  // value/step, weighted by step^2, where a value is at most 1.5 steps' worth inside the range and,
  // cut off there, at most 3 times as far: a factor of 8 either way is more than the search can
  // take.
  constexpr float kReach = 8;
  constexpr float kSmallest = 0x1p-14F, kLargest = 65504.0F;
  const float scale = covering(extent, range).scale;
  return scale >= kSmallest * kReach && scale <= kLargest / kReach;
}

}  // namespace pare::quantize
