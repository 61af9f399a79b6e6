// SPDX-License-Identifier: Apache-2.0
#include "quantize/balance.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "lib/core/cpu_clones.hpp"

namespace pare::quantize {

namespace {

constexpr float kRound = 12582912.0F;  // as in weight_codes.cpp
constexpr size_t kUsual = 32;          // the default group_size: its loops are unrolled
constexpr size_t kTogether = 8;        // groups whose sums, a chain of additions each, overlap

[[gnu::always_inline]] inline float rounded(float x) { return (x + kRound) - kRound; }

struct Limits {
  float low = 0, high = 0;
};

// Codes, and what is left of each value after its code, in scales; 0 for a clipped value, which has
// nowhere to go. The code is that of encode().
[[gnu::always_inline]] inline void encode_group(const float* values, size_t n,
                                                const GroupParameters& group, const Limits& limits,
                                                int8_t* codes, float* rests) {
  const float scale = group.scale, inverse = 1.0F / scale;
  const auto zero = static_cast<float>(group.zero_point);
  for (size_t i = 0; i < n; ++i) {
    const float x = values[i] / scale + zero;
    const float code = rounded(std::min(std::max(x, limits.low), limits.high));
    codes[i] = static_cast<int8_t>(static_cast<int32_t>(code));
    const float rest = values[i] * inverse + (zero - code);
    rests[i] = std::abs(rest) <= 0.5F ? rest : 0.0F;
  }
}

// How far each value would like to move in `direction`; 0 where it may not.
[[gnu::always_inline]] inline void wishes_of(const int8_t* codes, size_t n, int direction,
                                             const CodeRange& range, float* rests) {
  const int lowest = range.low - direction, highest = range.high - direction;
  const auto sign = static_cast<float>(direction);
  for (size_t i = 0; i < n; ++i) {
    const int code = codes[i];
    const float wish = rests[i] * sign;
    const bool may = (wish > 0) & (code >= lowest) & (code <= highest);
    rests[i] = may ? wish : 0.0F;
  }
}

// So many moves are cheaper to find one by one than by ordering all values.
constexpr size_t kFewMoves = 12;

[[gnu::always_inline]] inline void move_few(float* wishes, size_t n, size_t moves, int direction,
                                            int8_t* codes) {
  for (; moves > 0; --moves) {
    // Wishes are not negative, so that their bits order like them, and integer maxima vectorise.
    int32_t largest = 0;
    for (size_t i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<int32_t>(wishes[i]));
    if (largest == 0) return;
    auto at = static_cast<int32_t>(n);
    for (int32_t i = 0; i < static_cast<int32_t>(n); ++i) {
      const bool found = std::bit_cast<int32_t>(wishes[i]) == largest;
      at = std::min(at, found ? i : static_cast<int32_t>(n));
    }
    codes[at] = static_cast<int8_t>(codes[at] + direction);
    wishes[at] = 0;
  }
}

void move_many(const float* wishes, size_t n, size_t moves, int direction, int8_t* codes) {
  std::vector<size_t> order;
  for (size_t i = 0; i < n; ++i) {
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

[[gnu::always_inline]] inline void balance_group(float* rests, size_t n, float sum,
                                                 const CodeRange& range, int8_t* codes) {
  const auto moves = static_cast<size_t>(rounded(std::abs(sum)));
  if (moves == 0) return;
  const int direction = sum > 0 ? 1 : -1;
  wishes_of(codes, n, direction, range, rests);
  moves <= kFewMoves ? move_few(rests, n, moves, direction, codes)
                     : move_many(rests, n, moves, direction, codes);
}

// Up to kTogether groups; `rests` has room for kTogether times n.
[[gnu::always_inline]] inline void encode_few(const float* values, size_t n,
                                              std::span<const GroupParameters> groups,
                                              const CodeRange& range, int8_t* codes, float* rests) {
  const Limits limits{static_cast<float>(range.low), static_cast<float>(range.high)};
  for (size_t g = 0; g < groups.size(); ++g) {
    encode_group(values + g * n, n, groups[g], limits, codes + g * n, rests + g * n);
  }
  float sums[kTogether] = {};
  for (size_t g = 0; g < groups.size(); ++g) {
    for (size_t i = 0; i < n; ++i) sums[g] += rests[g * n + i];
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    balance_group(rests + g * n, n, sums[g], range, codes + g * n);
  }
}

PARE_CPU_CLONES
void encode_usual(const float* values, std::span<const GroupParameters> groups,
                  const CodeRange& range, int8_t* codes, float* rests) {
  encode_few(values, kUsual, groups, range, codes, rests);
}

PARE_CPU_CLONES
void encode_any(const float* values, size_t n, std::span<const GroupParameters> groups,
                const CodeRange& range, int8_t* codes, float* rests) {
  encode_few(values, n, groups, range, codes, rests);
}

}  // namespace

void encode_balanced(std::span<const float> values, size_t size,
                     std::span<const GroupParameters> groups, const CodeRange& range,
                     std::span<int8_t> codes) {
  constexpr size_t kOnStack = 2048;
  std::array<float, kOnStack> few_rests;
  std::unique_ptr<float[]> more;
  const size_t needed = std::min(kTogether, groups.size()) * size;
  if (needed > kOnStack) more = std::make_unique_for_overwrite<float[]>(needed);
  float* const rests = more ? more.get() : few_rests.data();
  for (size_t first = 0; first < groups.size(); first += kTogether) {
    const auto few = groups.subspan(first, std::min(kTogether, groups.size() - first));
    const float* const from = values.data() + first * size;
    int8_t* const to = codes.data() + first * size;
    if (size == kUsual) {
      encode_usual(from, few, range, to, rests);
    } else {
      encode_any(from, size, few, range, to, rests);
    }
  }
}

}  // namespace pare::quantize
