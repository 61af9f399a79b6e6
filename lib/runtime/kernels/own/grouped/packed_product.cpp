// SPDX-License-Identifier: Apache-2.0
// Gemm and MatMul in f32 with weights that stay in memory as 4-bit or 8-bit codes (w4a16, w8a16):
// a product reads an eighth or a quarter of the bytes.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/float_epilogue.hpp"
#include "lib/runtime/kernels/own/grouped/grouped.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/own/packed_memory.hpp"

namespace pare::runtime::own {

namespace {

// A smaller weight sits in cache even as f32, where oneDNN's dense product wins.
constexpr int64_t kSmallestWeight = 500'000;
const GroupedKernels& kernels() {
#if defined(__x86_64__)
  if (active_isa() == Isa::kAvx512Vnni) return kGroupedAvx512Vnni;
  if (active_isa() == Isa::kAvx512) return kGroupedAvx512;
  if (active_isa() == Isa::kAvx2) return kGroupedAvx2;
#elif defined(__aarch64__)
  if (active_isa() == Isa::kNeon) return kGroupedNeon;
#endif
  return kGroupedScalar;
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Scales and zeros of all groups, [row][group].
struct GroupNumbers {
  std::vector<float> scales, zeros;  // zeros: empty when all are 0

  GroupNumbers(const ir::Tensor& weight, const GroupedShape& shape, int64_t rows);
  bool fit_half() const {
    const auto fits = [](float x) {
      return std::isfinite(x) && ir::f16_to_f32(ir::f32_to_f16(x)) == x;
    };
    return std::ranges::all_of(scales, fits) && std::ranges::all_of(zeros, fits);
  }
};

GroupNumbers::GroupNumbers(const ir::Tensor& weight, const GroupedShape& shape, int64_t rows) {
  const ir::QuantScheme& scheme = *weight.scheme();
  const std::vector<float> stored = ir::to_f32(*weight.part(ir::Part::kScales));
  std::vector<int64_t> codes;
  if (const ir::Tensor* part = weight.part(ir::Part::kZeroPoints)) codes = ir::to_i64(*part);
  // Of u4 codes, 8 counts as zero.
  const int64_t shift = scheme.code == ir::DType::kU4 ? -8 : 0;
  const bool one_group = ir::groups_of(weight.dims(), scheme).rows == 1;
  const bool any = shift != 0 || std::ranges::any_of(codes, [](int64_t z) { return z != 0; });
  for (int64_t i = 0; i < rows * shape.groups; ++i) {
    const auto at = static_cast<size_t>(one_group ? i % shape.groups : i);
    scales.push_back(stored[at]);
    if (any) zeros.push_back(static_cast<float>((codes.empty() ? 0 : codes[at]) + shift));
  }
}

struct PackedRows {
  GroupedShape shape;
  int64_t panels = 0;
  PackedVector<uint8_t> bytes;  // [panel]

  const uint8_t* panel(int64_t i) const { return bytes.data() + i * shape.panel_bytes; }
};

GroupedShape shape_of(const ir::QuantScheme& scheme, int64_t depth, int64_t step_words) {
  GroupedShape s;
  s.four_bits = scheme.code == ir::DType::kI4 || scheme.code == ir::DType::kU4;
  s.depth = depth;
  s.group_size = scheme.group_size > 0 ? scheme.group_size : depth;
  s.groups = ceil_div(depth, s.group_size);
  const int64_t longest = std::min(s.group_size, depth);
  s.blocks = ceil_div(longest, kMostBlockCodes);
  s.steps = ceil_div(ceil_div(longest, s.blocks), kStepCodes);
  s.block_words = kBlockHeader + step_words * s.steps;
  s.x_words = s.groups * s.blocks * s.block_words;
  return s;
}

void put_number(float x, bool half, uint8_t* numbers, int64_t index) {
  if (half) {
    const uint16_t bits = ir::f32_to_f16(x);
    std::memcpy(numbers + 2 * index, &bits, sizeof bits);
  } else {
    std::memcpy(numbers + 4 * index, &x, sizeof x);
  }
}

// One group of a row: `codes` unsigned, `row` that of the panel.
void put_codes(const GroupedShape& s, std::span<const int32_t> codes, int32_t shift, int64_t row,
               uint8_t* to) {
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const int64_t in_block = at % (s.steps * kStepCodes);
    const int64_t step = at / (s.steps * kStepCodes) * s.steps + in_block / kStepCodes;
    const int64_t high = in_block / 4 % 2;
    const auto code = static_cast<uint8_t>(codes[i] + shift);
    if (s.four_bits) {
      uint8_t& byte = to[(step * kPanelRows + row) * 4 + at % 4];
      byte = static_cast<uint8_t>(byte | code << (4 * high));
    } else {
      to[((step * 2 + high) * kPanelRows + row) * 4 + at % 4] = code;
    }
  }
}

PackedRows pack(const StepSpec& step, const MatrixProduct& g) {
  const ir::Tensor& weight = *step.input(1).constant;
  const ir::DType code = weight.scheme()->code;
  const std::vector<int32_t> codes = ir::to_codes(weight);
  PackedRows out;
  GroupedShape& s = out.shape;
  s = shape_of(*weight.scheme(), g.depth, kernels().step_words);
  const GroupNumbers numbers(weight, s, g.columns);
  s.zeros = !numbers.zeros.empty();
  s.half = numbers.fit_half();
  s.number_bytes = kPanelRows * (s.half ? 2 : 4) * (s.zeros ? 2 : 1);
  s.group_bytes =
      s.number_bytes + s.blocks * s.steps * kStepCodes * kPanelRows / (s.four_bits ? 2 : 1);
  s.panel_bytes = s.groups * s.group_bytes;
  out.panels = ceil_div(g.columns, kPanelRows);
  out.bytes.assign(static_cast<size_t>(out.panels * s.panel_bytes), 0);
  const int32_t shift = code == ir::DType::kI8 ? 128 : code == ir::DType::kI4 ? 8 : 0;
  for (int64_t r = 0; r < g.columns; ++r) {
    const int64_t row = r % kPanelRows;
    for (int64_t i = 0; i < s.groups; ++i) {
      uint8_t* to = out.bytes.data() + r / kPanelRows * s.panel_bytes + i * s.group_bytes;
      const auto number = static_cast<size_t>(r * s.groups + i);
      put_number(numbers.scales[number], s.half, to, row);
      if (s.zeros) put_number(numbers.zeros[number], s.half, to, kPanelRows + row);
      const int64_t first = i * s.group_size;
      const auto group =
          std::span(codes).subspan(static_cast<size_t>(r * g.depth + first),
                                   static_cast<size_t>(std::min(s.group_size, g.depth - first)));
      put_codes(s, group, shift, row, to + s.number_bytes);
    }
  }
  return out;
}

struct PackedProduct {
  PackedRows weights;
  MatrixProduct g;
  GroupedKernels kernels;
  FloatEpilogue epilogue;
  int threads = 1;

  void run(const RunArgs& args) const;
};

void PackedProduct::run(const RunArgs& args) const {
  const GroupedShape& shape = weights.shape;
  auto* x = reinterpret_cast<int32_t*>(args.scratch);
  parallel_for(g.rows, threads, [&](int64_t m) {
    const int64_t in_tile = m % kernels.most_rows;
    const int64_t tile = m - in_tile;
    kernels.prepare(shape, args.in<float>(0) + m * g.depth,
                    std::min(kernels.most_rows, g.rows - tile), x + tile * shape.x_words + in_tile);
  });
  // All panels for some rows of x, then all again: those rows stay in cache.
  parallel_for(ceil_div(g.rows, kMostCallRows) * weights.panels, threads, [&](int64_t i) {
    const int64_t begin = i / weights.panels * kMostCallRows;
    const int64_t panel = i % weights.panels;
    const int64_t rows = std::min(kMostCallRows, g.rows - begin);
    alignas(64) float sums[kMostCallRows * kPanelRows];
    kernels.product(shape, weights.panel(panel), x + begin * shape.x_words, rows, sums);
    const int64_t first = panel * kPanelRows;
    for (int64_t m = 0; m < rows; ++m) {
      epilogue.finish(args, begin + m, first, std::min(kPanelRows, g.columns - first),
                      sums + m * kPanelRows);
    }
  });
}

}  // namespace

bool supports_packed_product(const StepSpec& step) {
  if (step.integer || step.input(0).constant || !step.input(1).constant) return false;
  const ir::Tensor& weight = *step.input(1).constant;
  if (!weight.is_quantized() || weight.dims().size() != 2) return false;
  const ir::QuantScheme& s = *weight.scheme();
  const bool code =
      s.code == ir::DType::kI4 || s.code == ir::DType::kU4 || s.code == ir::DType::kI8;
  if (!code || s.codebook || s.super_group > 0 || s.axis > 0) return false;
  if (s.axis == -1 && s.group_size > 0) return false;
  if (weight.count() < kSmallestWeight) return false;
  const MatrixProduct g = matrix_geometry(step);
  if (step.node.op != "Gemm" || !g.transposed_b || g.transposed_a || g.alpha != 1.0F ||
      g.beta != 1.0F) {
    return false;
  }
  return !step.has_input(2) || (step.input(2).constant && step.input(2).count() == g.columns);
}

Kernel make_packed_product(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const auto product = std::make_shared<const PackedProduct>(
      PackedProduct{.weights = pack(step, g),
                    .g = g,
                    .kernels = kernels(),
                    .epilogue = {step, g.columns},
                    .threads = g.macs() < 400'000 ? 1 : step.threads});
  const GroupedShape& shape = product->weights.shape;
  Kernel kernel{.name = shape.four_bits ? "int4-" : "int8-"};
  kernel.name += g.rows == 1 ? "gemv-f32-" : "gemm-f32-";
  kernel.name += name_of(active_isa());
  kernel.packed_bytes =
      static_cast<int64_t>(product->weights.bytes.size()) + product->epilogue.bytes();
  kernel.scratch_bytes = g.rows * shape.x_words * 4;
  kernel.run = [product](const RunArgs& args) { product->run(args); };
  return kernel;
}

}  // namespace pare::runtime::own
