// SPDX-License-Identifier: Apache-2.0
// Codes in rounds times many rows of x, as sparse.hpp has them, in an unnamed namespace: each ISA's
// file has its own copy and its own Lanes (16 floats). Some rounds are decoded at a time, and every
// row of weights walks them with its four sums in registers, while the few columns of x that they
// reach are in cache.
#pragma once

#include <algorithm>

#include "lib/runtime/kernels/own/sparse/sparse.hpp"

namespace {

using pare::runtime::own::kRoundColumns;
using pare::runtime::own::kRoundSteps;
using pare::runtime::own::kSparseLanes;
using pare::runtime::own::kSparseRows;
using pare::runtime::own::SparseRounds;

constexpr int64_t kRoundsAtOnce = 8;
constexpr int64_t kRoundEntries = kRoundSteps * kSparseRows;

// Entries as they are used: codes, and where a row of x's numbers begins in the round's columns.
struct DecodedRounds {
  float codes[kRoundsAtOnce * kRoundEntries];
  int32_t places[kRoundsAtOnce * kRoundEntries];
};

template <int V>
inline void decode_rounds(const int16_t* entries, int64_t count, DecodedRounds& to) {
  for (int64_t i = 0; i < count; ++i) {
    to.codes[i] = static_cast<float>(entries[i] >> 5);
    to.places[i] = (entries[i] & (kRoundColumns - 1)) * static_cast<int32_t>(V * kSparseLanes);
  }
}

// One row of weights; sums [step][row of x].
template <int V>
inline void add_rounds(const DecodedRounds& decoded, const uint16_t* columns, int64_t rounds,
                       int64_t row, const float* x, float* sums_at) {
  Lanes sums[kRoundSteps][V];
#pragma GCC unroll 4
  for (int64_t step = 0; step < kRoundSteps; ++step) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      sums[step][v] = Lanes::load(sums_at + (step * V + v) * kSparseLanes);
    }
  }
  const float* code = decoded.codes + row;
  const int32_t* place = decoded.places + row;
  for (int64_t i = 0; i < rounds; ++i, code += kRoundEntries, place += kRoundEntries) {
    const float* window = x + columns[i] * (V * kSparseLanes);
#pragma GCC unroll 4
    for (int64_t step = 0; step < kRoundSteps; ++step) {
      const Lanes weight = Lanes::set(code[step * kSparseRows]);
      const float* at = window + place[step * kSparseRows];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        sums[step][v] = sums[step][v].plus(weight.times(Lanes::load(at + v * kSparseLanes)));
      }
    }
  }
#pragma GCC unroll 4
  for (int64_t step = 0; step < kRoundSteps; ++step) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sums[step][v].store(sums_at + (step * V + v) * kSparseLanes);
  }
}

template <int V>
void rounds_of(const SparseRounds& rows, const float* x, float* y) {
  constexpr int64_t kStep = V * kSparseLanes;
  alignas(64) float sums[kSparseRows * kRoundSteps * kStep] = {};
  alignas(64) DecodedRounds decoded;
  for (int64_t round = 0; round < rows.rounds; round += kRoundsAtOnce) {
    const int64_t count = std::min(kRoundsAtOnce, rows.rounds - round);
    decode_rounds<V>(rows.entries + round * kRoundEntries, count * kRoundEntries, decoded);
    for (int64_t row = 0; row < kSparseRows; ++row) {
      add_rounds<V>(decoded, rows.columns + round, count, row, x, sums + row * kRoundSteps * kStep);
    }
  }
  for (int64_t row = 0; row < kSparseRows; ++row) {
    const float* of = sums + row * kRoundSteps * kStep;
    for (int64_t i = 0; i < kStep; ++i) {
      y[row * kStep + i] = (of[i] + of[kStep + i]) + (of[2 * kStep + i] + of[3 * kStep + i]);
    }
  }
}

void codes_batch(const SparseRounds& rows, const float* x, int64_t vectors, float* y) {
  if (vectors == 1) return rounds_of<1>(rows, x, y);
  rounds_of<2>(rows, x, y);
}

}  // namespace
