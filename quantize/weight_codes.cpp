// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_codes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "lib/core/cpu_clones.hpp"

namespace pare::quantize {

namespace {

// Adding and taking away 1.5 * 2^23 rounds to nearest even for |x| < 2^22, with plain SSE2
// additions.
constexpr float kRound = 12582912.0F;
// Ranges tried by the search, in units of the full range.
constexpr float kSmallestShrink = 0.50F;
constexpr size_t kShrinkSteps = 24;

float rounded(float x) { return (x + kRound) - kRound; }

// Divides first and clamps after, so that a value far outside a shrunk range cannot reach the
// rounding trick's limit.
float code_of(float value, float scale, float zero, float low, float high) {
  const float x = value / scale + zero;
  return rounded(std::min(std::max(x, low), high));
}

int32_t ordered(int32_t bits) { return bits ^ (bits >> 31 & 0x7FFFFFFF); }

Extent extent_from(int32_t low, int32_t high) {
  constexpr int32_t kInfinity = 0x7F800000;
  return {.low = std::bit_cast<float>(ordered(low)),
          .high = std::bit_cast<float>(ordered(high)),
          .finite = high < kInfinity && low > ~kInfinity};
}

GroupParameters from_range(float low, float high, const CodeRange& range) {
  const auto levels = static_cast<float>(range.high - range.low);
  GroupParameters group;
  if (range.symmetric) {
    const float steps = static_cast<float>(range.high);
    group.scale = std::max(-low, high) / steps;
  } else {
    group.scale = high / levels - low / levels;  // high - low may overflow
  }
  // Below the normal range a division by the scale would overflow; such weights are as good as
  // zero.
  if (!(group.scale >= std::numeric_limits<float>::min()))
    return {1.0F, range.symmetric ? 0 : range.low};
  if (!range.symmetric) {
    const float zero = static_cast<float>(range.low) - low / group.scale;
    group.zero_point = static_cast<int32_t>(
        std::clamp(rounded(zero), static_cast<float>(range.low), static_cast<float>(range.high)));
  }
  return group;
}

// Eight sums that are added up in a fixed order: vectorisable, and the same on every machine.
constexpr size_t kLanes = 8;
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

[[gnu::always_inline]] inline Lanes load(const float* from) {
  Lanes out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

[[gnu::always_inline]] inline float sum_of(const Lanes& lanes) {
  float sum = lanes[0];
  for (size_t lane = 1; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

// Calls add(values) for eight values at a time. The last ones come with zeros, which every scheme
// stores exactly, so that they add nothing to any sum.
template <class Add>
[[gnu::always_inline]] inline void for_lanes(std::span<const float> values, const Add& add) {
  const size_t whole = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) add(load(values.data() + i));
  if (whole == values.size()) return;
  float rest[kLanes] = {};
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(whole), values.end(), rest);
  add(load(rest));
}

// A CodeRange as floats.
struct Limits {
  float low = 0, high = 0;
};

// The whole numbers that values become, without the zero point. kCentred: it is 0.
template <bool kCentred, class Vector>
[[gnu::always_inline]] inline Vector steps_of(const Vector& values, const Vector& inverse,
                                              const Vector& zero, const Limits& limits) {
  Vector x = values * inverse;
  if (!kCentred) x = x + zero;
  const Vector lows = Vector{} + limits.low, highs = Vector{} + limits.high;
  x = x < lows ? lows : x;
  x = highs < x ? highs : x;
  x = (x + kRound) - kRound;
  return kCentred ? x : x - zero;
}

// The ways to quantize one group that the search compares.
struct Candidates {
  std::array<float, kShrinkSteps> scale{}, inverse{}, zero{};
};

template <bool kCentred, class Vector>
[[gnu::always_inline]] inline Vector squared_error(const Vector& x, const Vector& scale,
                                                   const Vector& inverse, const Vector& zero,
                                                   const Limits& limits) {
  const Vector off = x - scale * steps_of<kCentred>(x, inverse, zero, limits);
  return off * off;
}

// Two candidates at a time, as wide as the widest registers.
typedef float TwoLanes __attribute__((vector_size(2 * kLanes * sizeof(float))));

[[gnu::always_inline]] inline TwoLanes both(float a, float b) {
  return __builtin_shufflevector(Lanes{} + a, Lanes{} + b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                 13, 14, 15);
}

[[gnu::always_inline]] inline TwoLanes twice(const Lanes& x) {
  return __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
}

// For every two candidates calls sum(add), which calls add(x) for all values.
template <bool kCentred, class Sum>
[[gnu::always_inline]] inline void errors_by(const Candidates& c, const Limits& limits,
                                             std::array<float, kShrinkSteps>& errors,
                                             const Sum& sum) {
  float sums[kShrinkSteps][kLanes];
  for (size_t i = 0; i < kShrinkSteps; i += 2) {
    const TwoLanes scale = both(c.scale[i], c.scale[i + 1]);
    const TwoLanes inverse = both(c.inverse[i], c.inverse[i + 1]);
    const TwoLanes zero = both(c.zero[i], c.zero[i + 1]);
    TwoLanes error{};
    sum([&](const TwoLanes& x) {
      error += squared_error<kCentred>(x, scale, inverse, zero, limits);
    });
    std::memcpy(sums[i], &error, sizeof error);
  }
  for (size_t i = 0; i < kShrinkSteps; ++i) errors[i] = sum_of(load(sums[i]));
}

template <bool kCentred>
[[gnu::always_inline]] inline void errors_of(std::span<const float> values, const Candidates& c,
                                             const Limits& limits,
                                             std::array<float, kShrinkSteps>& errors) {
  constexpr size_t kUsual = 32;  // the default group_size: held in registers
  if (values.size() != kUsual) {
    return errors_by<kCentred>(c, limits, errors, [&](const auto& add) {
      for_lanes(values, [&](const Lanes& x) { add(twice(x)); });
    });
  }
  const float* const from = values.data();
  const TwoLanes x0 = twice(load(from)), x1 = twice(load(from + kLanes)),
                 x2 = twice(load(from + 2 * kLanes)), x3 = twice(load(from + 3 * kLanes));
  errors_by<kCentred>(c, limits, errors,
                      [&](const auto& add) { add(x0), add(x1), add(x2), add(x3); });
}

template <bool kCentred>
[[gnu::always_inline]] inline float error_of(std::span<const float> values, float scale, float zero,
                                             const Limits& limits) {
  const Lanes scales = Lanes{} + scale, zeros = Lanes{} + zero;
  const Lanes inverse = Lanes{} + 1.0F / scale;
  Lanes error{};
  for_lanes(values, [&](const Lanes& x) {
    error += squared_error<kCentred>(x, scales, inverse, zeros, limits);
  });
  return sum_of(error);
}

// The least-squares scale for a candidate's codes, 0 when there is none.
template <bool kCentred>
[[gnu::always_inline]] inline float refitted_scale(std::span<const float> values, float inverse,
                                                   float zero, const Limits& limits) {
  const Lanes inverses = Lanes{} + inverse, zeros = Lanes{} + zero;
  Lanes product{}, square{};
  for_lanes(values, [&](const Lanes& x) {
    const Lanes q = steps_of<kCentred>(x, inverses, zeros, limits);
    product += x * q;
    square += q * q;
  });
  const float squares = sum_of(square);
  return squares > 0 ? sum_of(product) / squares : 0.0F;
}

struct Best {
  size_t candidate = 0;
  float refitted = 0;  // a better scale than the candidate's; 0: there is none
};

template <bool kCentred>
[[gnu::always_inline]] inline Best best_of(std::span<const float> values, const Candidates& c,
                                           const Limits& limits) {
  std::array<float, kShrinkSteps> errors;
  errors_of<kCentred>(values, c, limits, errors);
  Lanes least = load(errors.data());
  for (size_t i = kLanes; i < kShrinkSteps; i += kLanes) {
    const Lanes other = load(errors.data() + i);
    least = other < least ? other : least;
  }
  float smallest = least[0];
  for (size_t lane = 1; lane < kLanes; ++lane) smallest = std::min(smallest, least[lane]);
  // The first of equals: the widest range.
  Best best{static_cast<size_t>(std::ranges::find(errors, smallest) - errors.begin()), 0};
  const size_t at = best.candidate;
  const float scale = refitted_scale<kCentred>(values, c.inverse[at], c.zero[at], limits);
  if (!(scale >= std::numeric_limits<float>::min())) return best;
  const float error = error_of<kCentred>(values, scale, c.zero[at], limits);
  if (error < smallest) best.refitted = scale;
  return best;
}

PARE_CPU_CLONES
Best best_centred(std::span<const float> values, const Candidates& c, const Limits& limits) {
  return best_of<true>(values, c, limits);
}

PARE_CPU_CLONES
Best best_shifted(std::span<const float> values, const Candidates& c, const Limits& limits) {
  return best_of<false>(values, c, limits);
}

constexpr std::array<float, kShrinkSteps> shrinks() {
  std::array<float, kShrinkSteps> out{};
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = 1.0F - (1.0F - kSmallestShrink) * static_cast<float>(i) / kShrinkSteps;
  }
  return out;
}
constexpr std::array<float, kShrinkSteps> kShrinks = shrinks();

// from_range() for all shrunk ranges at once.
PARE_CPU_CLONES
void centred_candidates(float largest, float steps, Candidates& out) {
  for (size_t i = 0; i < kShrinkSteps; ++i) {
    const float scale = largest * kShrinks[i] / steps;
    out.scale[i] = scale >= std::numeric_limits<float>::min() ? scale : 1.0F;
    out.inverse[i] = 1.0F / out.scale[i];
  }
}

void shifted_candidates(const Extent& extent, const CodeRange& range, Candidates& out) {
  for (size_t i = 0; i < kShrinkSteps; ++i) {
    const GroupParameters group =
        from_range(extent.low * kShrinks[i], extent.high * kShrinks[i], range);
    out.scale[i] = group.scale;
    out.inverse[i] = 1.0F / group.scale;
    out.zero[i] = static_cast<float>(group.zero_point);
  }
}

}  // namespace

CodeRange code_range(int bits, bool symmetric) {
  const int32_t half = 1 << (bits - 1);
  if (!symmetric) return {0, 2 * half - 1, false};
  // -128 stays unused at 8 bits so that |code| <= 127 holds for integer kernels.
  return {bits == 8 ? 1 - half : -half, half - 1, true};
}

// Compares bit patterns as integers that order like the floats (negative ones with their other bits
// flipped): integer minima and maxima vectorise without relaxed floating-point rules, and NaN ends
// up beyond infinity.
PARE_CPU_CLONES
Extent extent_of(std::span<const float> values) {
  int32_t low = 0, high = 0;
  for (const float value : values) {
    const int32_t key = ordered(std::bit_cast<int32_t>(value));
    low = std::min(low, key);
    high = std::max(high, key);
  }
  return extent_from(low, high);
}

PARE_CPU_CLONES
void extents_of(std::span<const float> values, size_t group, std::span<Extent> out) {
  for (size_t g = 0; g < out.size(); ++g) {
    const float* const from = values.data() + g * group;
    int32_t low = 0, high = 0;
    for (size_t i = 0; i < group; ++i) {
      const int32_t key = ordered(std::bit_cast<int32_t>(from[i]));
      low = std::min(low, key);
      high = std::max(high, key);
    }
    out[g] = extent_from(low, high);
  }
}

Extent joined(const Extent& a, const Extent& b) {
  return {.low = std::min(a.low, b.low),
          .high = std::max(a.high, b.high),
          .finite = a.finite && b.finite};
}

namespace {

PARE_CPU_CLONES
void extend_columns(std::span<const float> row, int32_t* low, int32_t* high) {
  for (size_t i = 0; i < row.size(); ++i) {
    const int32_t key = ordered(std::bit_cast<int32_t>(row[i]));
    low[i] = std::min(low[i], key);
    high[i] = std::max(high[i], key);
  }
}

}  // namespace

void ColumnExtents::add(std::span<const float> row) {
  extend_columns(row, low_.data(), high_.data());
}

void ColumnExtents::join(const ColumnExtents& other) {
  for (size_t i = 0; i < low_.size(); ++i) {
    low_[i] = std::min(low_[i], other.low_[i]);
    high_[i] = std::max(high_[i], other.high_[i]);
  }
}

Extent ColumnExtents::at(size_t column) const { return extent_from(low_[column], high_[column]); }

GroupParameters covering(const Extent& extent, const CodeRange& range) {
  return from_range(extent.low, extent.high, range);
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

GroupParameters least_squares(std::span<const float> values, const CodeRange& range) {
  const Extent extent = extent_of(values);
  const Limits limits{static_cast<float>(range.low), static_cast<float>(range.high)};
  Candidates candidates;
  if (range.symmetric) {
    centred_candidates(std::max(-extent.low, extent.high), limits.high, candidates);
  } else {
    shifted_candidates(extent, range, candidates);
  }
  const Best best = range.symmetric ? best_centred(values, candidates, limits)
                                    : best_shifted(values, candidates, limits);
  const size_t at = best.candidate;
  return {best.refitted > 0 ? best.refitted : candidates.scale[at],
          static_cast<int32_t>(candidates.zero[at])};
}

PARE_CPU_CLONES
void encode(std::span<const float> values, const GroupParameters& group, const CodeRange& range,
            std::span<int8_t> codes) {
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const auto zero = static_cast<float>(group.zero_point);
  const float scale = group.scale;
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) {
    codes[i] =
        static_cast<int8_t>(static_cast<int32_t>(code_of(values[i], scale, zero, low, high)));
  }
}

PARE_CPU_CLONES
void encode(std::span<const float> values, std::span<const float> scales,
            std::span<const int32_t> zero_points, const CodeRange& range, std::span<int8_t> codes) {
  const auto low = static_cast<float>(range.low), high = static_cast<float>(range.high);
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) {
    const auto zero = static_cast<float>(zero_points[i]);
    codes[i] =
        static_cast<int8_t>(static_cast<int32_t>(code_of(values[i], scales[i], zero, low, high)));
  }
}

namespace {

// What is left of each value after its code, in scales; 0 for a clipped value, which has nowhere to
// go.
PARE_CPU_CLONES
void rests_of(std::span<const float> values, const GroupParameters& group,
              std::span<const int8_t> codes, float* rests) {
  const float inverse = 1.0F / group.scale;
  for (size_t i = 0; i < values.size(); ++i) {
    const float rest = values[i] * inverse + static_cast<float>(group.zero_point - codes[i]);
    rests[i] = std::abs(rest) <= 0.5F ? rest : 0.0F;
  }
}

// How far each value would like to move in `direction`; 0 where it may not.
PARE_CPU_CLONES
void wishes_of(std::span<const int8_t> codes, int direction, const CodeRange& range, float* rests) {
  const int lowest = range.low - direction, highest = range.high - direction;
  const auto sign = static_cast<float>(direction);
  for (size_t i = 0; i < codes.size(); ++i) {
    const int code = codes[i];
    const float wish = rests[i] * sign;
    const bool may = (wish > 0) & (code >= lowest) & (code <= highest);
    rests[i] = may ? wish : 0.0F;
  }
}

PARE_CPU_CLONES
float largest_of(std::span<const float> values) {
  Lanes largest{};
  for_lanes(values, [&](const Lanes& x) { largest = largest < x ? x : largest; });
  float lanes[kLanes];
  std::memcpy(lanes, &largest, sizeof lanes);
  return *std::max_element(lanes, lanes + kLanes);
}

// So many moves are cheaper to find one by one than by ordering all values.
constexpr size_t kFewMoves = 12;

void move_few(std::span<float> wishes, size_t moves, int direction, std::span<int8_t> codes) {
  for (; moves > 0; --moves) {
    const float largest = largest_of(wishes);
    if (largest == 0) return;
    const auto at = static_cast<size_t>(std::ranges::find(wishes, largest) - wishes.begin());
    codes[at] = static_cast<int8_t>(codes[at] + direction);
    wishes[at] = 0;
  }
}

void move_many(std::span<const float> wishes, size_t moves, int direction,
               std::span<int8_t> codes) {
  std::vector<size_t> order;
  for (size_t i = 0; i < wishes.size(); ++i) {
    if (wishes[i] > 0) order.push_back(i);
  }
  moves = std::min(moves, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(moves), order.end(),
      [&](size_t a, size_t b) { return wishes[a] != wishes[b] ? wishes[a] > wishes[b] : a < b; });
  for (size_t i = 0; i < moves; ++i) {
    codes[order[i]] = static_cast<int8_t>(codes[order[i]] + direction);
  }
}

}  // namespace

void balance(std::span<const float> values, const GroupParameters& group, const CodeRange& range,
             std::span<int8_t> codes) {
  constexpr size_t kUsual = 1024;  // the largest group_size
  std::array<float, kUsual> usual;
  std::unique_ptr<float[]> many;
  if (values.size() > kUsual) many = std::make_unique_for_overwrite<float[]>(values.size());
  const std::span<float> rests(many ? many.get() : usual.data(), values.size());
  rests_of(values, group, codes, rests.data());
  float sum = 0;
  for (const float rest : rests) sum += rest;
  const auto moves = static_cast<size_t>(rounded(std::abs(sum)));
  if (moves == 0) return;
  const int direction = sum > 0 ? 1 : -1;
  wishes_of(codes, direction, range, rests.data());
  moves <= kFewMoves ? move_few(rests, moves, direction, codes)
                     : move_many(rests, moves, direction, codes);
}

}  // namespace pare::quantize
