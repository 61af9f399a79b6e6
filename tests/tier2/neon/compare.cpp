// SPDX-License-Identifier: Apache-2.0
// The NEON loops against the plain ones, on drawn blocks: codes equal, floats within the rounding
// bound. Cross-compiled and run under emulation; both take four lanes and two codes a unit, so they
// read the same packed weights.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "lib/runtime/kernels/own/dense/linear_block.hpp"

using namespace pare::runtime::own;

namespace {

std::mt19937 generator(1);
int64_t below(int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); }
float uniform() { return static_cast<float>(below(2001) - 1000) / 1000.0F; }

struct Case {
  bool integer;
  int64_t pixels, window, steps, vectors, channels, pixel_bytes;
  bool residual, to_float;
};

// Everything that a block points to.
struct Data {
  std::vector<uint32_t> input, weights, bias;
  std::vector<float> multiplier, floats;
  std::vector<uint8_t> codes;
  std::vector<int64_t> offsets;
};

void draw_units(std::vector<uint32_t>& units, bool integer, int low, int high) {
  for (uint32_t& unit : units) {
    if (integer) {
      const auto code = [&] { return static_cast<uint16_t>(low + below(high - low + 1)); };
      unit = code() | static_cast<uint32_t>(code()) << 16;
    } else {
      const float x = uniform();
      __builtin_memcpy(&unit, &x, sizeof unit);
    }
  }
}

void set_epilogue(BlockOutput& b, const Case& c, Data& d) {
  for (float& m : d.multiplier) m = 0.0005F + 0.001F * static_cast<float>(below(100)) / 100.0F;
  for (float& x : d.floats) x = uniform();
  for (uint8_t& x : d.codes) x = static_cast<uint8_t>(below(256));
  b.bias = d.bias.data();
  b.multiplier = d.multiplier.data();
  b.to_float = c.to_float;
  const bool codes = c.integer && !c.to_float;
  b.zero = codes ? 31.0F : 0.0F;
  b.low = codes ? -b.zero : -1e30F;  // of codes before their zero point is added
  b.high = codes ? 255.0F - b.zero : 1e30F;
  b.residual_multiplier = c.residual ? 0.7F : 0.0F;
  b.residual_zero = 12.0F;
  if (c.residual) {
    b.residual = c.integer ? static_cast<const void*>(d.codes.data()) : d.floats.data();
  }
}

// Outputs of both, as floats. Codes are compared as such.
bool agree(const std::vector<float>& a, const std::vector<float>& b, bool integer, double bound) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (integer ? a[i] != b[i] : std::abs(static_cast<double>(a[i]) - b[i]) > bound) return false;
  }
  return true;
}

template <class Block>
std::vector<float> outputs_of(void (*loop)(const Block&), Block block, bool floats, size_t count) {
  std::vector<float> real(count, -7.0F);
  std::vector<uint8_t> codes(count, 7);
  block.output = floats ? static_cast<void*>(real.data()) : codes.data();
  loop(block);
  if (!floats) real.assign(codes.begin(), codes.end());
  return real;
}

bool check_linear(const Case& c) {
  const int64_t padded = c.vectors * kLinearNeon.lanes;
  Data d;
  d.offsets.resize(static_cast<size_t>(c.steps / c.window));
  for (int64_t& offset : d.offsets) offset = below(50) * 4;
  d.input.resize(static_cast<size_t>(c.pixels * c.pixel_bytes / 4 + 80));
  d.weights.resize(static_cast<size_t>(padded * c.steps));
  d.bias.resize(static_cast<size_t>(padded));
  d.multiplier.resize(static_cast<size_t>(padded));
  const auto outputs = static_cast<size_t>(c.pixels * c.channels);
  d.floats.resize(outputs);
  d.codes.resize(outputs);
  draw_units(d.input, c.integer, 0, 255);
  draw_units(d.weights, c.integer, -127, 127);
  draw_units(d.bias, false, 0, 0);
  if (c.integer) {
    for (uint32_t& bias : d.bias) bias = static_cast<uint32_t>(below(20001) - 10000);
  }
  LinearBlock b;
  set_epilogue(b, c, d);
  b.input = d.input.data();
  b.pixels = c.pixels;
  b.pixel_bytes = c.pixel_bytes;
  b.window = c.window;
  b.step_offsets = d.offsets.data();
  b.steps = c.steps;
  b.weights = d.weights.data();
  b.vectors = c.vectors;
  b.channels = c.channels;
  b.output_stride = c.channels;
  const bool floats = !c.integer || c.to_float;
  const auto loop = [&](const LinearKernels& k) { return c.integer ? k.integer : k.real; };
  // Sums of `steps` products below 1: (steps + 2) * 2^-24 * (steps + 2) each.
  const double terms = static_cast<double>(c.steps) + 2;
  return agree(outputs_of(loop(kLinearScalar), b, floats, outputs),
               outputs_of(loop(kLinearNeon), b, floats, outputs), c.integer,
               2 * terms * terms * 0x1p-24);
}

bool check_depthwise(const Case& c, int64_t taps) {
  const int64_t padded = (c.channels + 3) / 4 * 4;
  Data d;
  const int64_t row_taps = c.integer ? taps : 3;
  for (int64_t s = 0; s < c.steps; ++s) {
    d.offsets.push_back(c.integer ? s * c.channels : (s / 3 * 11 + s % 3) * c.channels);
  }
  constexpr int64_t kRows = 2;
  const auto reach = static_cast<size_t>((kRows * c.pixels + c.steps * 4 + 40) * c.channels + 64);
  d.input.resize(reach);
  d.codes.resize(reach);
  d.weights.resize(static_cast<size_t>(padded * c.steps));
  d.bias.resize(static_cast<size_t>(padded));
  d.multiplier.resize(static_cast<size_t>(padded));
  const auto outputs = static_cast<size_t>(kRows * c.pixels * c.channels);
  d.floats.resize(outputs);
  draw_units(d.input, c.integer, 0, 255);
  draw_units(d.weights, c.integer, -127, 127);
  draw_units(d.bias, c.integer, -100, 100);
  DepthwiseBlock b;
  set_epilogue(b, c, d);
  b.input = d.input.data();
  b.rows = kRows;
  // Half of the time rows share inputs, as at stride 1.
  b.row_stride = (c.integer || below(2) == 0 ? c.pixels : 11) * c.channels;
  b.pixels = c.pixels;
  b.pixel_stride = c.channels;
  b.step_offsets = d.offsets.data();
  b.steps = c.steps;
  b.taps = taps;
  b.tap_stride = c.channels;
  b.row_taps = row_taps;
  b.weights = d.weights.data();
  b.channels = c.channels;
  const bool floats = !c.integer || c.to_float;
  const auto loop = [&](const LinearKernels& k) {
    return c.integer ? k.integer_depthwise : k.real_depthwise;
  };
  return agree(outputs_of(loop(kLinearScalar), b, floats, outputs),
               outputs_of(loop(kLinearNeon), b, floats, outputs), c.integer, 1e-5);
}

}  // namespace

int main() {
  int checked = 0;
  int wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    Case c{};
    c.integer = below(2) == 0;
    c.window = below(2) == 0 ? 3 : 1;
    c.steps = c.window * (1 + below(40));
    c.pixels = 1 + below(40);
    c.vectors = 1 + below(9);
    c.channels = c.vectors * 4 - below(4);
    const int64_t strides[] = {4, 8, 12, 2};
    c.pixel_bytes = strides[below(c.window == 3 ? 2 : c.integer ? 4 : 3)];
    c.residual = below(2) == 0;
    c.to_float = c.integer && below(3) == 0;
    wrong += !check_linear(c);
    c.steps = c.integer ? 1 + below(9) : 3 * (1 + below(4));
    wrong += !check_depthwise(c, c.integer ? 1 + below(2) : 1);
    checked += 2;
  }
  std::printf("%d blocks of %d agree\n", checked - wrong, checked);
  return wrong == 0 ? 0 : 1;
}
