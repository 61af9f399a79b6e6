// SPDX-License-Identifier: Apache-2.0
// Which elements magnitude pruning removes, exactly: the k smallest |w| of a pool of tensors, ties
// broken by position in the pool. |w| of finite floats orders like its bit pattern without the
// sign, so two histogram passes (high 16 bits, then low 15 bits of one bin) find the k-th smallest
// while holding one tensor at a time: a pool larger than memory streams through. Counts are
// integers, so the result does not depend on the thread count.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lib/pass/float_values.hpp"

namespace pare::prune {

struct PoolTensor {
  std::string name;                           // for errors
  std::function<pass::FloatRanges()> values;  // asked for twice
};

// Elements with |w| bits below `bits` go; of those equal to it, the first `ties` in pool order.
struct MagnitudeCut {
  uint32_t bits = 0;
  int64_t ties = 0;
};

// The cut that removes exactly `count` elements, 0 <= count <= elements of the pool.
// Throws Error(name, ...) when a tensor holds NaN or Inf.
MagnitudeCut magnitude_cut(std::span<const PoolTensor> pool, int64_t count, int threads);

// One byte an element, 1 where the cut keeps it. Takes its share off cut.ties: call in pool order.
// Elements that are zero already are never kept.
std::vector<uint8_t> kept_by(MagnitudeCut& cut, std::span<const float> values);

// As kept_by for the pattern n of each m: of every m consecutive elements of a row, the n largest
// (the first of equals); a tail of fewer than m keeps up to n. `values` is [rows, columns].
std::vector<uint8_t> kept_n_of_m(std::span<const float> values, int64_t rows, int n, int m);

bool all_finite(std::span<const float> values);

}  // namespace pare::prune
