// SPDX-License-Identifier: Apache-2.0
#include "prune/magnitude_cut.hpp"

#include <algorithm>
#include <bit>

#include "lib/core/cpu_clones.hpp"
#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"

namespace pare::prune {

namespace {

constexpr int kLowBits = 15;
constexpr size_t kHighBins = 1U << 16;
constexpr size_t kLowBins = 1U << kLowBits;
constexpr uint32_t kInfinity = 0x7F800000U;

uint32_t magnitude_bits(float value) { return std::bit_cast<uint32_t>(value) & 0x7FFFFFFFU; }

using Histogram = std::vector<int64_t>;

// Counts bin(bits) of every value; a negative bin is not counted. One histogram a thread.
template <class Bin>
void count_bins(const pass::FloatRanges& values, Histogram& total, int threads, const Bin& bin) {
  constexpr int64_t kStretch = 16384;
  const int64_t parts = std::max(1, threads);
  const int64_t n = values.count();
  std::vector<Histogram> local(static_cast<size_t>(parts), Histogram(total.size()));
  parallel_for(parts, threads, [&](int64_t part) {
    int64_t* const mine = local[static_cast<size_t>(part)].data();
    const int64_t end = n * (part + 1) / parts;
    pass::FloatRanges::Scratch scratch;
    for (int64_t first = n * part / parts; first < end; first += kStretch) {
      for (const float value : values.read(first, std::min(kStretch, end - first), scratch)) {
        const int32_t at = bin(magnitude_bits(value));
        if (at >= 0) ++mine[at];
      }
    }
  });
  for (const Histogram& mine : local) {
    for (size_t b = 0; b < total.size(); ++b) total[b] += mine[b];
  }
}

// The bin that holds element number `rank` (from 0), with `rank` made relative to that bin.
size_t bin_of_rank(const Histogram& histogram, int64_t& rank) {
  for (size_t b = 0; b < histogram.size(); ++b) {
    if (rank < histogram[b]) return b;
    rank -= histogram[b];
  }
  throw Bug("rank within the pool");
}

}  // namespace

PARE_CPU_CLONES
bool all_finite(std::span<const float> values) {
  uint32_t largest = 0;
  for (const float value : values) largest = std::max(largest, magnitude_bits(value));
  return largest < kInfinity;
}

MagnitudeCut magnitude_cut(std::span<const PoolTensor> pool, int64_t count, int threads) {
  Histogram high(kHighBins);
  for (const PoolTensor& tensor : pool) {
    count_bins(tensor.values(), high, threads,
               [](uint32_t bits) { return static_cast<int32_t>(bits >> kLowBits); });
    const auto first_bad = high.begin() + (kInfinity >> kLowBits);
    if (std::any_of(first_bad, high.end(), [](int64_t c) { return c != 0; })) {
      throw Error(escaped(tensor.name), "holds NaN or Inf");
    }
  }
  if (count == 0) return {};
  int64_t rank = count - 1;
  const auto bin = static_cast<uint32_t>(bin_of_rank(high, rank));
  Histogram low(kLowBins);
  for (const PoolTensor& tensor : pool) {
    count_bins(tensor.values(), low, threads, [bin](uint32_t bits) {
      return bits >> kLowBits == bin ? static_cast<int32_t>(bits & (kLowBins - 1)) : -1;
    });
  }
  const auto rest = static_cast<uint32_t>(bin_of_rank(low, rank));
  return {.bits = bin << kLowBits | rest, .ties = rank + 1};
}

std::vector<uint8_t> kept_by(MagnitudeCut& cut, std::span<const float> values) {
  std::vector<uint8_t> kept(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t bits = magnitude_bits(values[i]);
    const bool tie_goes = bits == cut.bits && cut.ties > 0;
    cut.ties -= tie_goes;
    kept[i] = bits != 0 && bits >= cut.bits && !tie_goes;
  }
  return kept;
}

namespace {

// Of each four the n largest, of equals the first: an element goes when n others come before it.
PARE_CPU_CLONES
void keep_fours(const float* values, size_t fours, int n, uint8_t* kept) {
  for (size_t i = 0; i < 4 * fours; i += 4) {
    const auto a = std::bit_cast<int32_t>(values[i]) & 0x7FFFFFFF;
    const auto b = std::bit_cast<int32_t>(values[i + 1]) & 0x7FFFFFFF;
    const auto c = std::bit_cast<int32_t>(values[i + 2]) & 0x7FFFFFFF;
    const auto d = std::bit_cast<int32_t>(values[i + 3]) & 0x7FFFFFFF;
    const int ab = a >= b, ac = a >= c, ad = a >= d, bc = b >= c, bd = b >= d, cd = c >= d;
    kept[i] = (a != 0) & (3 - ab - ac - ad < n);
    kept[i + 1] = (b != 0) & (2 + ab - bc - bd < n);
    kept[i + 2] = (c != 0) & (1 + ac + bc - cd < n);
    kept[i + 3] = (d != 0) & (ad + bd + cd < n);
  }
}

void keep_group(std::span<const float> values, int n, std::span<uint8_t> kept) {
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t mine = magnitude_bits(values[i]);
    int before = 0;
    for (size_t j = 0; j < values.size(); ++j) {
      const uint32_t other = magnitude_bits(values[j]);
      before += other > mine || (other == mine && j < i) ? 1 : 0;
    }
    kept[i] = mine != 0 && before < n;
  }
}

}  // namespace

std::vector<uint8_t> kept_n_of_m(std::span<const float> values, int64_t rows, int n, int m) {
  std::vector<uint8_t> kept(values.size());
  const std::span<uint8_t> all(kept);
  const auto group = static_cast<size_t>(m);
  const size_t columns = rows > 0 ? values.size() / static_cast<size_t>(rows) : 0;
  for (size_t row = 0; columns > 0 && row < values.size(); row += columns) {
    size_t at = row;
    if (m == 4) {
      keep_fours(values.data() + row, columns / 4, n, kept.data() + row);
      at += columns / 4 * 4;
    }
    for (; at < row + columns; at += group) {
      const size_t width = std::min(group, row + columns - at);
      keep_group(values.subspan(at, width), n, all.subspan(at, width));
    }
  }
  return kept;
}

}  // namespace pare::prune
