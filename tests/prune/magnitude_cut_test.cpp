// SPDX-License-Identifier: Apache-2.0
#include "prune/magnitude_cut.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"

namespace pare::prune {
namespace {

std::vector<std::vector<float>> random_pool(uint64_t seed, int distinct) {
  Rng rng(seed);
  std::vector<std::vector<float>> pool(3);
  for (size_t t = 0; t < pool.size(); ++t) {
    for (int i = 0; i < 50 + 37 * static_cast<int>(t); ++i) {
      // Few distinct magnitudes make ties common.
      const float v =
          distinct > 0 ? static_cast<float>(rng.below(distinct)) * 0.125F : rng.normal();
      pool[t].push_back(rng.below(2) == 0 ? v : -v);
    }
  }
  return pool;
}

std::vector<PoolTensor> tensors_of(const std::vector<std::vector<float>>& pool) {
  std::vector<PoolTensor> out;
  for (const auto& values : pool) {
    out.push_back({"t" + std::to_string(out.size()),
                   [&values] { return pass::FloatRanges(std::span(values)); }});
  }
  return out;
}

// The definition: sort by (|w|, position) and drop the first `count`.
std::vector<uint8_t> kept_by_sorting(const std::vector<std::vector<float>>& pool, int64_t count) {
  std::vector<float> all;
  for (const auto& values : pool) all.insert(all.end(), values.begin(), values.end());
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(all[a]) < std::abs(all[b]); });
  std::vector<uint8_t> kept(all.size());
  for (size_t i = 0; i < all.size(); ++i) kept[i] = all[i] != 0.0F;
  for (int64_t i = 0; i < count; ++i) kept[order[static_cast<size_t>(i)]] = 0;
  return kept;
}

TEST_CASE("the cut removes what sorting by magnitude and position removes") {
  for (const int distinct : {0, 4, 1}) {
    const auto pool = random_pool(5, distinct);
    const int64_t elements = 50 + 87 + 124;
    for (const int64_t count : {int64_t{0}, int64_t{1}, int64_t{100}, elements - 1, elements}) {
      MagnitudeCut cut = magnitude_cut(tensors_of(pool), count, 2);
      std::vector<uint8_t> kept;
      for (const auto& values : pool) {
        const auto part = kept_by(cut, values);
        kept.insert(kept.end(), part.begin(), part.end());
      }
      CHECK(kept == kept_by_sorting(pool, count));
    }
  }
}

TEST_CASE("the cut does not depend on the number of threads") {
  const auto pool = random_pool(9, 0);
  const MagnitudeCut one = magnitude_cut(tensors_of(pool), 77, 1);
  for (const int threads : {2, 3, 8}) {
    const MagnitudeCut many = magnitude_cut(tensors_of(pool), 77, threads);
    CHECK(many.bits == one.bits);
    CHECK(many.ties == one.ties);
  }
}

TEST_CASE("NaN and infinity are refused by the tensor's name") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const std::vector<std::vector<float>> pool = {{1.0F, 2.0F}, {3.0F, bad}};
    CHECK_THROWS_WITH_AS(magnitude_cut(tensors_of(pool), 1, 1), "t1: holds NaN or Inf", Error);
  }
}

TEST_CASE("n of m keeps the largest of each group, the first of equals, and up to n of a tail") {
  // Two rows of six: groups of four and tails of two.
  const std::vector<float> values = {1, -3, 2, 3, 5, -6, /**/ 1, 1, -1, 1, 0, 7};
  const std::vector<uint8_t> expected = {0, 1, 0, 1, 1, 1, /**/ 1, 1, 0, 0, 0, 1};
  CHECK(kept_n_of_m(values, 2, 2, 4) == expected);
}

}  // namespace
}  // namespace pare::prune
