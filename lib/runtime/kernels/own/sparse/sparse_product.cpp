// SPDX-License-Identifier: Apache-2.0
// Gemm in f32 with pruned weights that stay sparse in memory (bitmask, n-of-m, blocks), real values
// or codes of 8 bits with a scale a channel. A product of few rows is bound by reading its weights.
#include <algorithm>
#include <limits>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/float_epilogue.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_batch.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_rows.hpp"

namespace pare::runtime::own {

namespace {

// Vectors hold rows of x above these many: 5 to 16 rows take as long as about 4 one by one, of
// codes as 13 (4096 x 4096 with AVX-512).
constexpr int64_t kMostRows = 4;
constexpr int64_t kMostCodeRows = 12;
// A kept weight costs its value and the mask; below this density that is less than the dense weight
// and the expansion is paid for. Smaller weights sit in cache and gain nothing.
constexpr double kHighestDensity = 0.6;
// A kept code costs two bytes and what its row waits for others, about a third more.
constexpr double kHighestCodeDensity = 0.3;
constexpr int64_t kSmallestWeight = 500'000;

const SparseKernels& kernels() {
#if defined(__x86_64__)
  if (active_isa() == Isa::kAvx512 || active_isa() == Isa::kAvx512Vnni) return kSparseAvx512;
  if (active_isa() == Isa::kAvx2) return kSparseAvx2;
#elif defined(__aarch64__)
  if (active_isa() == Isa::kNeon) return kSparseNeon;
#endif
  return kSparseScalar;
}

// Real values with their bits.
struct MaskedRows {
  int64_t blocks = 0;            // a row
  PackedVector<uint64_t> masks;  // [row][block]
  std::vector<int64_t> first;    // index of a row's first value
  PackedVector<float> values;    // and 16 zeros, so that whole vectors can be read

  MaskedRows(const ir::Tensor& weight, const MatrixProduct& g);
  int64_t room() const { return blocks * kSparseBlock; }
  int64_t bytes() const {
    return static_cast<int64_t>((masks.size() + first.size()) * 8 + values.size() * 4);
  }
  int64_t parts() const { return static_cast<int64_t>(first.size()); }
  static constexpr int64_t kPartRows = 1;
  void product(const SparseKernels& kernels, int64_t row, const float* x, float* y) const {
    *y = kernels.dot(
        {masks.data() + row * blocks, values.data() + first[static_cast<size_t>(row)], blocks}, x);
  }
};

MaskedRows::MaskedRows(const ir::Tensor& weight, const MatrixProduct& g) {
  const std::vector<float> dense = ir::to_f32(weight);
  const std::vector<uint8_t> kept = kept_weights(weight);
  blocks = (g.depth + kSparseBlock - 1) / kSparseBlock;
  masks.assign(static_cast<size_t>(g.columns * blocks), 0);
  values.reserve(static_cast<size_t>(weight.stored_elements() + 16));
  for (int64_t r = 0; r < g.columns; ++r) {
    first.push_back(static_cast<int64_t>(values.size()));
    for (int64_t k = 0; k < g.depth; ++k) {
      const auto at = static_cast<size_t>(r * g.depth + k);
      if (kept[at] == 0) continue;
      masks[static_cast<size_t>(r * blocks + k / kSparseBlock)] |= uint64_t{1}
                                                                   << (k % kSparseBlock);
      values.push_back(dense[at]);
    }
  }
  values.resize(values.size() + 16, 0.0F);
}

// Codes that rounds hold: 8 bits, a scale a row or one for all.
bool has_round_codes(const ir::Tensor& weight) {
  const ir::QuantScheme& s = *weight.scheme();
  return (s.code == ir::DType::kI8 || s.code == ir::DType::kU8) && s.axis <= 0 &&
         s.group_size == 0 && s.super_group == 0 && !s.codebook &&
         weight.dims().back() <= std::numeric_limits<uint16_t>::max();
}

template <class Rows>
Kernel make(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const auto rows = std::make_shared<const Rows>(*step.input(1).constant, g);
  const auto epilogue = std::make_shared<const FloatEpilogue>(step, g.columns);
  const int64_t room = rows->room();
  const int threads = g.macs() < 400'000 ? 1 : step.threads;
  Kernel kernel;
  kernel.packed_bytes = rows->bytes() + epilogue->bytes();
  kernel.scratch_bytes = g.rows * room * 4;
  kernel.run = [=, kernels = kernels()](const RunArgs& args) {
    auto* padded = reinterpret_cast<float*>(args.scratch);
    for (int64_t m = 0; m < g.rows; ++m) {
      float* to = padded + m * room;
      std::copy_n(args.in<float>(0) + m * g.depth, g.depth, to);
      std::fill(to + g.depth, to + room, 0.0F);
    }
    parallel_for(rows->parts(), threads, [&](int64_t part) {
      const int64_t begin = part * Rows::kPartRows;
      const int64_t count = std::min(Rows::kPartRows, g.columns - begin);
      for (int64_t m = 0; m < g.rows; ++m) {
        float sums[Rows::kPartRows];
        rows->product(kernels, part, padded + m * room, sums);
        epilogue->finish(args, m, begin, count, sums);
      }
    });
  };
  return kernel;
}

}  // namespace

bool supports_sparse_product(const StepSpec& step) {
  if (step.integer || step.node.op != "Gemm" || step.input(0).constant) return false;
  if (!step.input(1).constant || !step.input(1).constant->is_sparse()) return false;
  const ir::Tensor& weight = *step.input(1).constant;
  const MatrixProduct g = matrix_geometry(step);
  const double density =
      static_cast<double>(weight.stored_elements()) / static_cast<double>(weight.count());
  if (weight.is_quantized() && !has_round_codes(weight)) return false;
  const double highest = weight.is_quantized() ? kHighestCodeDensity : kHighestDensity;
  if (weight.count() < kSmallestWeight || density > highest) return false;
  if (!g.transposed_b || g.transposed_a || g.alpha != 1.0F || g.beta != 1.0F) {
    return false;
  }
  return !step.has_input(2) || (step.input(2).constant && step.input(2).count() == g.columns);
}

Kernel make_sparse_product(const StepSpec& step) {
  const ir::Tensor& weight = *step.input(1).constant;
  const int64_t rows = matrix_geometry(step).rows;
  Kernel kernel;
  if (rows > (weight.is_quantized() ? kMostCodeRows : kMostRows)) {
    kernel = make_sparse_batch(step, kernels());
  } else {
    kernel = weight.is_quantized() ? make<RoundRows>(step) : make<MaskedRows>(step);
  }
  kernel.name = weight.is_quantized() ? "sparse-int8-" : "sparse-";
  kernel.name += rows == 1 ? "gemv-f32-" : "gemm-f32-";
  kernel.name += name_of(active_isa());
  return kernel;
}

}  // namespace pare::runtime::own
