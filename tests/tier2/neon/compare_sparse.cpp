// SPDX-License-Identifier: Apache-2.0
// The NEON loops of sparse products against the plain ones, on drawn weights: equal bits.
// Cross-compiled and run under emulation.
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "lib/runtime/kernels/own/sparse/sparse.hpp"

using namespace pare::runtime::own;

namespace {

std::mt19937 generator(1);
int64_t below(int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); }

std::vector<float> uniform(int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& x : out) x = static_cast<float>(below(20001) - 10000) / 10000.0F;
  return out;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool check_dot() {
  const int64_t blocks = below(20);
  std::vector<uint64_t> masks(static_cast<size_t>(blocks));
  for (uint64_t& mask : masks) mask = (uint64_t{generator()} << 32 | generator()) & generator();
  const std::vector<float> values = uniform(blocks * kSparseBlock + 16);
  const std::vector<float> x = uniform(blocks * kSparseBlock);
  const SparseRow row{masks.data(), values.data(), blocks};
  return same({kSparseScalar.dot(row, x.data())}, {kSparseNeon.dot(row, x.data())});
}

bool check_strands() {
  SparseStrands part;
  part.rows = 1 + below(kSparsePartRows);
  part.x_blocks = 1 + below(300);
  const int64_t segments = (part.x_blocks + kSegmentBlocks - 1) / kSegmentBlocks;
  std::vector<uint16_t> counts;
  std::vector<uint8_t> blocks;
  for (int64_t i = 0; i < kSparseBlock * part.rows * segments; ++i) {
    counts.push_back(static_cast<uint16_t>(below(9)));
    const bool last = i % segments == segments - 1;
    const int64_t most = last ? part.x_blocks - (segments - 1) * kSegmentBlocks : kSegmentBlocks;
    for (int k = 0; k < counts.back(); ++k) blocks.push_back(static_cast<uint8_t>(below(most)));
  }
  const std::vector<float> values = uniform(static_cast<int64_t>(blocks.size()));
  const int64_t vectors = int64_t{1} << below(4);
  const std::vector<float> x = uniform(kSparseBlock * part.x_blocks * vectors * kSparseLanes);
  part.counts = counts.data();
  part.blocks = blocks.data();
  part.values = values.data();
  const auto run = [&](const SparseKernels& kernels) {
    std::vector<float> y(static_cast<size_t>(part.rows * vectors * kSparseLanes), -7.0F);
    kernels.strands(part, x.data(), vectors, y.data());
    return y;
  };
  return same(run(kSparseScalar), run(kSparseNeon));
}

bool check_codes() {
  const int64_t depth = 1 + below(500);
  SparseRounds rounds;
  rounds.rounds = below(60);
  std::vector<uint16_t> columns;
  std::vector<int16_t> entries;
  for (int64_t i = 0; i < rounds.rounds; ++i) {
    columns.push_back(static_cast<uint16_t>(below(depth)));
    for (int64_t k = 0; k < kRoundSteps * kSparseRows; ++k) {
      entries.push_back(
          static_cast<int16_t>((below(511) - 255) * kRoundColumns + below(kRoundColumns)));
    }
  }
  const std::vector<float> x = uniform(depth + kRoundColumns);
  rounds.columns = columns.data();
  rounds.entries = entries.data();
  std::vector<float> y[2] = {std::vector<float>(kSparseRows), std::vector<float>(kSparseRows)};
  kSparseScalar.codes(rounds, x.data(), y[0].data());
  kSparseNeon.codes(rounds, x.data(), y[1].data());
  const int64_t vectors = 1 + below(2);
  const std::vector<float> many = uniform((depth + kRoundColumns) * vectors * kSparseLanes);
  std::vector<float> sums[2];
  for (std::vector<float>& of : sums) {
    of.resize(static_cast<size_t>(kSparseRows * vectors * kSparseLanes));
  }
  kSparseScalar.codes_batch(rounds, many.data(), vectors, sums[0].data());
  kSparseNeon.codes_batch(rounds, many.data(), vectors, sums[1].data());
  return same(y[0], y[1]) && same(sums[0], sums[1]);
}

}  // namespace

int main() {
  constexpr int kTurns = 60;
  int wrong = 0;
  for (int i = 0; i < kTurns; ++i) wrong += !check_dot() + !check_strands() + !check_codes();
  std::printf("%d products of %d agree\n", 3 * kTurns - wrong, 3 * kTurns);
  return wrong == 0 ? 0 : 1;
}
