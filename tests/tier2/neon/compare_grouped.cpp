// SPDX-License-Identifier: Apache-2.0
// The NEON loops of w4a16 and w8a16 against the plain ones, on drawn panels: equal bits. Both read
// the same panels and write x in their own tiles. Cross-compiled and run under emulation.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "lib/runtime/kernels/own/grouped/grouped.hpp"

using namespace pare::runtime::own;

namespace {

std::mt19937 generator(1);
int64_t below(int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); }
float uniform() { return static_cast<float>(below(20001) - 10000) / 10000.0F; }

GroupedShape drawn_shape() {
  GroupedShape s;
  s.four_bits = below(2) == 0;
  s.half = below(2) == 0;
  s.zeros = below(2) == 0;
  s.depth = 1 + below(700);
  const int64_t sizes[] = {16, 20, 32, 64, 128, 1000};
  s.group_size = sizes[below(6)];
  s.groups = (s.depth + s.group_size - 1) / s.group_size;
  const int64_t longest = std::min(s.group_size, s.depth);
  s.blocks = (longest + kMostBlockCodes - 1) / kMostBlockCodes;
  s.steps = ((longest + s.blocks - 1) / s.blocks + kStepCodes - 1) / kStepCodes;
  s.number_bytes = kPanelRows * (s.half ? 2 : 4) * (s.zeros ? 2 : 1);
  s.group_bytes =
      s.number_bytes + s.blocks * s.steps * kStepCodes * kPanelRows / (s.four_bits ? 2 : 1);
  s.panel_bytes = s.groups * s.group_bytes;
  return s;
}

// Scales and zeros that are small numbers, codes of any bits.
std::vector<uint8_t> drawn_panel(const GroupedShape& s) {
  std::vector<uint8_t> panel(static_cast<size_t>(s.panel_bytes));
  for (uint8_t& byte : panel) byte = static_cast<uint8_t>(below(256));
  for (int64_t group = 0; group < s.groups; ++group) {
    uint8_t* numbers = panel.data() + group * s.group_bytes;
    for (int64_t i = 0; i < s.number_bytes / (s.half ? 2 : 4); ++i) {
      if (s.half) {  // normal, 2^-7 to 2^4, of both signs
        const auto bits =
            static_cast<uint16_t>(below(2) << 15 | (8 + below(11)) << 10 | below(1024));
        std::memcpy(numbers + 2 * i, &bits, sizeof bits);
      } else {
        const float x = uniform();
        std::memcpy(numbers + 4 * i, &x, sizeof x);
      }
    }
  }
  return panel;
}

std::vector<float> product(const GroupedKernels& kernels, GroupedShape s,
                           const std::vector<uint8_t>& panel, const std::vector<float>& x,
                           int64_t rows) {
  s.block_words = kBlockHeader + kernels.step_words * s.steps;
  s.x_words = s.groups * s.blocks * s.block_words;
  std::vector<int32_t> prepared(static_cast<size_t>(rows * s.x_words));
  for (int64_t m = 0; m < rows; ++m) {
    const int64_t in_tile = m % kernels.most_rows;
    const int64_t tile = m - in_tile;
    kernels.prepare(s, x.data() + m * s.depth, std::min(kernels.most_rows, rows - tile),
                    prepared.data() + tile * s.x_words + in_tile);
  }
  std::vector<float> y(static_cast<size_t>(rows * kPanelRows), -7.0F);
  kernels.product(s, panel.data(), prepared.data(), rows, y.data());
  return y;
}

}  // namespace

int main() {
  constexpr int kPanels = 500;
  int wrong = 0;
  for (int i = 0; i < kPanels; ++i) {
    const GroupedShape shape = drawn_shape();
    const std::vector<uint8_t> panel = drawn_panel(shape);
    const int64_t rows = below(3) == 0 ? 1 : 1 + below(kMostCallRows);
    std::vector<float> x(static_cast<size_t>(rows * shape.depth));
    for (float& value : x) value = uniform() * (below(50) == 0 ? 1000.0F : 1.0F);
    const auto scalar = product(kGroupedScalar, shape, panel, x, rows);
    const auto neon = product(kGroupedNeon, shape, panel, x, rows);
    wrong += std::memcmp(scalar.data(), neon.data(), scalar.size() * sizeof(float)) != 0;
  }
  std::printf("%d panels of %d agree\n", kPanels - wrong, kPanels);
  return wrong == 0 ? 0 : 1;
}
