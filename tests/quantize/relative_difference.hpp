// SPDX-License-Identifier: Apache-2.0
// How far a quantized model's outputs are from those of the model it was made of.
#pragma once

#include <algorithm>
#include <cmath>

#include "lib/runtime/session.hpp"
#include "tests/pass/small_networks.hpp"

namespace pare::quantize {

// sqrt(sum (a - b)^2 / sum a^2) over a batch of new inputs.
inline double relative_difference(const ir::Model& a, const ir::Model& b) {
  runtime::Session before(a, {.batch = 16}), after(b, {.batch = 16});
  const auto x = tests::random_values(static_cast<int64_t>(before.input().size()), 99, 1.0F);
  std::ranges::copy(x, before.input().begin());
  std::ranges::copy(x, after.input().begin());
  before.run();
  after.run();
  double norm = 0, off = 0;
  for (size_t i = 0; i < before.output().size(); ++i) {
    norm += before.output()[i] * before.output()[i];
    off += std::pow(before.output()[i] - after.output()[i], 2);
  }
  return std::sqrt(off / norm);
}

}  // namespace pare::quantize
