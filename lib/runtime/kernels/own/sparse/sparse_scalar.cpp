// SPDX-License-Identifier: Apache-2.0
// Sparse products on any architecture: walks the bits that are set, and the entries.
#include <array>
#include <cmath>
#include <cstring>

namespace {

struct Lanes {
  std::array<float, 16> at;

  static Lanes zero() { return set(0.0F); }
  static Lanes set(float x) {
    Lanes out;
    out.at.fill(x);
    return out;
  }
  static Lanes load(const float* p) {
    Lanes out;
    std::memcpy(out.at.data(), p, sizeof out.at);
    return out;
  }
  Lanes plus(const Lanes& other) const {
    Lanes out;
    for (size_t i = 0; i < 16; ++i) out.at[i] = at[i] + other.at[i];
    return out;
  }
  Lanes times(const Lanes& other) const {
    Lanes out;
    for (size_t i = 0; i < 16; ++i) out.at[i] = at[i] * other.at[i];
    return out;
  }
  void add_product(const Lanes& x, const Lanes& y) {
    for (size_t i = 0; i < 16; ++i) at[i] = std::fma(x.at[i], y.at[i], at[i]);
  }
  void store(float* to) const { std::memcpy(to, at.data(), sizeof at); }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/sparse/sparse_rounds_body.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_strands_body.hpp"
// clang-format on

namespace pare::runtime::own {

namespace {

void codes(const SparseRounds& rows, const float* x, float* y) {
  float sums[kRoundSteps][kSparseRows] = {};
  const int16_t* entry = rows.entries;
  for (int64_t round = 0; round < rows.rounds; ++round) {
    const float* window = x + rows.columns[round];
    for (auto& step : sums) {
      for (float& sum : step) {
        sum += static_cast<float>(*entry >> 5) * window[*entry & 31];
        ++entry;
      }
    }
  }
  for (int64_t r = 0; r < kSparseRows; ++r) {
    y[r] = (sums[0][r] + sums[1][r]) + (sums[2][r] + sums[3][r]);
  }
}

}  // namespace

const SparseKernels kSparseScalar = {walked_dot, strands, codes, codes_batch};

}  // namespace pare::runtime::own
