// SPDX-License-Identifier: Apache-2.0
// Gemm in f32 with pruned weights that stay sparse in memory (bitmask, n-of-m, blocks). Worth it
// for few rows, where a product is bound by reading its weights.
#include <algorithm>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/ir/sparse.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/own/sparse.hpp"

namespace pare::runtime::own {

namespace {

constexpr int64_t kMostRows = 4;
// A kept weight costs its value and the mask; below this density that is less than the dense weight
// and the expansion is paid for. Smaller weights sit in cache and gain nothing.
constexpr double kHighestDensity = 0.6;
constexpr int64_t kSmallestWeight = 500'000;

const SparseKernels& kernels() {
#if defined(__x86_64__)
  if (active_isa() == Isa::kAvx512 || active_isa() == Isa::kAvx512Vnni) return kSparseAvx512;
#endif
  return kSparseScalar;
}

struct SparseRows {
  int64_t blocks = 0;           // a row
  std::vector<uint16_t> masks;  // [row][block]
  std::vector<int64_t> first;   // index of a row's first value
  std::vector<float> values;    // and 16 zeros, so that whole vectors can be read
  std::vector<float> bias;

  int64_t bytes() const {
    return static_cast<int64_t>(masks.size() * 2 + first.size() * 8 +
                                (values.size() + bias.size()) * 4);
  }
};

SparseRows pack(const StepSpec& step, const MatrixProduct& g) {
  const ir::Tensor& weight = *step.input(1).constant;
  const std::vector<float> dense = ir::to_f32(weight);
  const ir::BufferView mask = weight.part(ir::Part::kMask)->view();
  const std::vector<uint8_t> stored = ir::expand_mask(mask.bytes(), weight.dims(), weight.layout());
  SparseRows out;
  out.blocks = (g.depth + kSparseBlock - 1) / kSparseBlock;
  out.masks.assign(static_cast<size_t>(g.columns * out.blocks), 0);
  for (int64_t r = 0; r < g.columns; ++r) {
    out.first.push_back(static_cast<int64_t>(out.values.size()));
    for (int64_t k = 0; k < g.depth; ++k) {
      const auto at = static_cast<size_t>(r * g.depth + k);
      if (stored[at] == 0) continue;
      uint16_t& bits = out.masks[static_cast<size_t>(r * out.blocks + k / kSparseBlock)];
      bits = static_cast<uint16_t>(bits | 1U << (k % kSparseBlock));
      out.values.push_back(dense[at]);
    }
  }
  out.values.resize(out.values.size() + kSparseBlock, 0.0F);
  out.bias.assign(static_cast<size_t>(g.columns), 0.0F);
  if (step.has_input(2)) out.bias = ir::to_f32(*step.input(2).constant);
  return out;
}

}  // namespace

bool supports_sparse_product(const StepSpec& step) {
  if (step.integer || step.node.op != "Gemm" || step.input(0).constant) return false;
  if (!step.input(1).constant || !step.input(1).constant->is_sparse()) return false;
  const ir::Tensor& weight = *step.input(1).constant;
  const MatrixProduct g = matrix_geometry(step);
  const double density =
      static_cast<double>(weight.stored_elements()) / static_cast<double>(weight.count());
  if (weight.is_quantized() || weight.count() < kSmallestWeight || density > kHighestDensity) {
    return false;
  }
  if (!g.transposed_b || g.transposed_a || g.alpha != 1.0F || g.beta != 1.0F ||
      g.rows > kMostRows) {
    return false;
  }
  return !step.has_input(2) || (step.input(2).constant && step.input(2).count() == g.columns);
}

Kernel make_sparse_product(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const auto rows = std::make_shared<const SparseRows>(pack(step, g));
  const int residual = step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1;
  const int64_t room = rows->blocks * kSparseBlock;
  const int threads = g.macs() < 400'000 ? 1 : step.threads;
  Kernel kernel{.name = "sparse-gemv-f32-" + std::string(name_of(active_isa()))};
  kernel.packed_bytes = rows->bytes();
  kernel.scratch_bytes = g.rows * room * 4;
  kernel.run = [=, dot = kernels().dot, clamp = step.clamp](const RunArgs& args) {
    auto* padded = reinterpret_cast<float*>(args.scratch);
    for (int64_t m = 0; m < g.rows; ++m) {
      float* to = padded + m * room;
      std::copy_n(args.in<float>(0) + m * g.depth, g.depth, to);
      std::fill(to + g.depth, to + room, 0.0F);
    }
    parallel_for(g.columns, threads, [&](int64_t n) {
      const auto r = static_cast<size_t>(n);
      const SparseRow row = {rows->masks.data() + n * rows->blocks,
                             rows->values.data() + rows->first[r], rows->blocks};
      for (int64_t m = 0; m < g.rows; ++m) {
        const int64_t at = m * g.columns + n;
        float y = dot(row, padded + m * room) + rows->bias[r];
        if (residual >= 0) y += args.in<float>(residual)[at];
        y = y < clamp.low ? clamp.low : y;
        args.out<float>()[at] = y > clamp.high ? clamp.high : y;
      }
    });
  };
  return kernel;
}

}  // namespace pare::runtime::own
