// SPDX-License-Identifier: Apache-2.0
// The NEON loops of w4a8 against the plain ones, on drawn blocks: equal. Cross-compiled and run
// under emulation; both take four lanes, so they read the same packed weights.
#include <cstdio>
#include <random>
#include <vector>

#include "lib/runtime/kernels/own/grouped/group_product.hpp"

using namespace pare::runtime::own;

namespace {

std::mt19937 generator(1);
int64_t below(int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); }

uint32_t bits_of(float x) {
  uint32_t bits = 0;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Everything that a block points to.
struct Data {
  std::vector<uint32_t> weights;
  std::vector<uint8_t> input, residual;
  std::vector<int32_t> row_sums;
  std::vector<float> bias;
};

void draw_weights(const GroupProductBlock& b, Data& d, int64_t lanes) {
  for (int64_t v = 0; v < b.vectors; ++v) {
    for (int64_t g = 0; g < b.groups; ++g) {
      for (int64_t l = 0; l < lanes; ++l) {
        d.weights.push_back(bits_of(static_cast<float>(1 + below(1000)) * 1e-4F));
      }
      const int64_t words = g + 1 < b.groups ? b.words : b.last_words;
      for (int64_t w = 0; w < words * lanes; ++w) {
        d.weights.push_back(static_cast<uint32_t>(generator()));
      }
    }
  }
}

GroupProductBlock drawn(Data& d) {
  const int64_t lanes = kGroupProductNeon.lanes;
  GroupProductBlock b;
  b.rows = 1 + below(20);
  b.vectors = 1 + below(7);
  b.channels = b.output_stride = b.vectors * lanes - below(lanes);
  b.groups = 1 + below(6);
  b.words = 1 + below(6);
  b.last_words = 1 + below(b.words);
  b.input_zero = below(2) == 0 ? 0 : static_cast<int32_t>(below(256));
  b.row_bytes = ((b.groups - 1) * b.words + b.last_words) * kWordCodes;
  b.vector_units = (b.groups + b.row_bytes / kWordCodes) * lanes;
  draw_weights(b, d, lanes);
  d.input.resize(static_cast<size_t>(b.rows * b.row_bytes));
  for (uint8_t& code : d.input) code = static_cast<uint8_t>(below(4) == 0 ? 255 : below(256));
  d.row_sums.resize(static_cast<size_t>(b.rows * b.groups));
  for (int32_t& sum : d.row_sums) sum = static_cast<int32_t>(-8 * below(10000));
  d.bias.resize(static_cast<size_t>(b.vectors * lanes));
  for (float& bias : d.bias) bias = static_cast<float>(below(2001) - 1000) * 1e-2F;
  d.residual.resize(static_cast<size_t>(b.rows * b.channels));
  for (uint8_t& code : d.residual) code = static_cast<uint8_t>(below(256));
  b.input = d.input.data();
  b.row_sums = d.row_sums.data();
  b.weights = d.weights.data();
  b.bias = d.bias.data();
  b.scale = 0.01F;
  b.to_float = below(2) == 0;
  b.zero = b.to_float ? 0.0F : 131.0F;
  b.low = b.to_float ? -1e30F : -b.zero;  // of codes before their zero point is added
  b.high = b.to_float ? 1e30F : 255.0F - b.zero;
  if (below(2) == 0) {
    b.residual = d.residual.data();
    b.residual_multiplier = 0.7F;
    b.residual_zero = 12.0F;
  }
  return b;
}

std::vector<float> outputs_of(const GroupProductKernels& kernels, GroupProductBlock block) {
  const auto count = static_cast<size_t>(block.rows * block.channels);
  std::vector<float> real(count, -7.0F);
  std::vector<uint8_t> codes(count, 7);
  block.output = block.to_float ? static_cast<void*>(real.data()) : codes.data();
  kernels.product(block);
  if (!block.to_float) real.assign(codes.begin(), codes.end());
  return real;
}

}  // namespace

int main() {
  constexpr int kBlocks = 2000;
  int wrong = 0;
  for (int i = 0; i < kBlocks; ++i) {
    Data d;
    const GroupProductBlock block = drawn(d);
    wrong += outputs_of(kGroupProductNeon, block) != outputs_of(kGroupProductScalar, block);
  }
  std::printf("%d blocks of %d agree\n", kBlocks - wrong, kBlocks);
  return wrong == 0 ? 0 : 1;
}
