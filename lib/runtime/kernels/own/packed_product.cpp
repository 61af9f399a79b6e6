// SPDX-License-Identifier: Apache-2.0
// Gemm and MatMul in f32 with weights that stay in memory as 4-bit or 8-bit codes (w4a16, w8a16):
// the weight is decoded in registers, so a product of few rows reads an eighth or a quarter of the
// bytes.
#include <algorithm>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/own/grouped.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

// From this many rows on, a dense product of weights decoded once is faster.
constexpr int64_t kMostRows = 16;
// A smaller weight sits in cache even as f32, where oneDNN's dense product wins.
constexpr int64_t kSmallestWeight = 500'000;

const GroupedKernels& kernels() {
#if defined(__x86_64__)
  if (active_isa() == Isa::kAvx512 || active_isa() == Isa::kAvx512Vnni) return kGroupedAvx512;
  if (active_isa() == Isa::kAvx2) return kGroupedAvx2;
#endif
  return kGroupedScalar;
}

struct PackedRows {
  bool four_bits = true;
  int64_t groups = 1, group_size = 0, planes = 1;  // a row; codes a group; planes a group
  int64_t blocks = 0;                              // of four rows
  std::vector<uint8_t> codes;
  std::vector<float> scales, offsets;  // [block][group][row]; offsets: none when all are 0
  std::vector<float> bias;             // a row

  int64_t row_planes() const {
    const int64_t all = groups * planes;
    return four_bits ? (all + kChunkPlanes - 1) / kChunkPlanes * kChunkPlanes : all;
  }
  int64_t plane_bytes() const { return four_bits ? kPlaneCodes / 2 : kPlaneCodes; }
  int64_t block_bytes() const { return row_planes() * kGroupedRows * plane_bytes(); }
  int64_t room() const { return groups * planes * kPlaneCodes; }  // floats of a padded x
  int64_t bytes() const {
    return static_cast<int64_t>(codes.size() + 4 * (scales.size() + offsets.size() + bias.size()));
  }
  GroupedRows block(int64_t i) const {
    const int64_t numbers = i * groups * kGroupedRows;
    return {codes.data() + i * block_bytes(), scales.data() + numbers,
            offsets.empty() ? nullptr : offsets.data() + numbers, groups, planes};
  }
  // Where the number of a group of a row is.
  size_t number_at(int64_t r, int64_t group) const {
    return static_cast<size_t>((r / kGroupedRows * groups + group) * kGroupedRows +
                               r % kGroupedRows);
  }
  void set(int64_t r, int64_t column, int32_t code) {
    const int64_t in_group = column % group_size;
    const int64_t plane = column / group_size * planes + in_group / kPlaneCodes;
    const int64_t lane = in_group % kPlaneCodes;
    uint8_t* block = codes.data() + r / kGroupedRows * block_bytes();
    const int64_t row = r % kGroupedRows;
    if (four_bits) {
      const int64_t nibble = plane % kChunkPlanes;
      uint8_t& byte = block[((plane / kChunkPlanes * kGroupedRows + row) * kPlaneCodes + lane) * 4 +
                            nibble / 2];
      byte = static_cast<uint8_t>(byte | code << (nibble % 2 * 4));
    } else {
      block[(plane * kGroupedRows + row) * kPlaneCodes + lane] =
          static_cast<uint8_t>(static_cast<int8_t>(code));
    }
  }
};

PackedRows pack(const StepSpec& step, const MatrixProduct& g) {
  const ir::Tensor& weight = *step.input(1).constant;
  const ir::QuantScheme& scheme = *weight.scheme();
  const ir::GroupGeometry geometry = ir::groups_of(weight.dims(), scheme);
  const std::vector<int32_t> codes = ir::to_codes(weight);
  const std::vector<float> scales = ir::to_f32(*weight.part(ir::Part::kScales));
  std::vector<int64_t> zeros;
  if (const ir::Tensor* part = weight.part(ir::Part::kZeroPoints)) zeros = ir::to_i64(*part);

  PackedRows out;
  out.four_bits = scheme.code == ir::DType::kI4 || scheme.code == ir::DType::kU4;
  out.group_size = scheme.group_size > 0 ? scheme.group_size : g.depth;
  out.groups = (g.depth + out.group_size - 1) / out.group_size;
  out.planes = (std::min(out.group_size, g.depth) + kPlaneCodes - 1) / kPlaneCodes;
  out.blocks = (g.columns + kGroupedRows - 1) / kGroupedRows;
  out.codes.assign(static_cast<size_t>(out.blocks * out.block_bytes()), 0);
  const auto numbers = static_cast<size_t>(out.blocks * out.groups * kGroupedRows);
  out.scales.assign(numbers, 0.0F);
  // Unsigned codes are stored as they are and count 8 less: so does their zero.
  const int32_t shift = scheme.code == ir::DType::kI4 ? 8 : 0;
  const int64_t zero_shift = scheme.code == ir::DType::kU4 ? -8 : 0;
  const bool offset =
      zero_shift != 0 || std::ranges::any_of(zeros, [](int64_t z) { return z != 0; });
  if (offset) out.offsets.assign(numbers, 0.0F);
  for (int64_t r = 0; r < g.columns; ++r) {
    for (int64_t i = 0; i < out.groups; ++i) {
      const auto at = static_cast<size_t>(geometry.rows == 1 ? i : r * out.groups + i);
      const size_t to = out.number_at(r, i);
      out.scales[to] = scales[at];
      if (offset)
        out.offsets[to] = static_cast<float>((zeros.empty() ? 0 : zeros[at]) + zero_shift);
    }
    for (int64_t k = 0; k < g.depth; ++k) {
      out.set(r, k, codes[static_cast<size_t>(r * g.depth + k)] + shift);
    }
  }
  out.bias.assign(static_cast<size_t>(g.columns), 0.0F);
  if (step.has_input(2)) out.bias = ir::to_f32(*step.input(2).constant);
  return out;
}

// Activations of one row, padded like the weights, and their sum a group.
void spread(const PackedRows& rows, int64_t depth, const float* x, float* padded, float* sums) {
  const int64_t group_room = rows.planes * kPlaneCodes;
  std::fill_n(padded, rows.room(), 0.0F);
  for (int64_t g = 0; g < rows.groups; ++g) {
    const int64_t begin = g * rows.group_size;
    const int64_t length = std::min(rows.group_size, depth - begin);
    std::copy_n(x + begin, length, padded + g * group_room);
    float sum = 0.0F;
    for (int64_t i = 0; i < length; ++i) sum += x[begin + i];
    sums[g] = sum;
  }
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
      g.beta != 1.0F || g.rows > kMostRows) {
    return false;
  }
  return !step.has_input(2) || (step.input(2).constant && step.input(2).count() == g.columns);
}

Kernel make_packed_product(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const auto rows = std::make_shared<const PackedRows>(pack(step, g));
  const auto product = rows->four_bits ? kernels().product4 : kernels().product8;
  const int residual = step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1;
  const int64_t room = rows->room();
  const int threads = g.macs() < 400'000 ? 1 : step.threads;
  Kernel kernel{.name = rows->four_bits ? "int4-gemv-f32-" : "int8-gemv-f32-"};
  kernel.name += name_of(active_isa());
  kernel.packed_bytes = rows->bytes();
  kernel.scratch_bytes = g.rows * (room + rows->groups) * 4;
  kernel.run = [=, clamp = step.clamp](const RunArgs& args) {
    auto* padded = reinterpret_cast<float*>(args.scratch);
    float* sums = padded + g.rows * room;
    for (int64_t m = 0; m < g.rows; ++m) {
      spread(*rows, g.depth, args.in<float>(0) + m * g.depth, padded + m * room,
             sums + m * rows->groups);
    }
    parallel_for(rows->blocks, threads, [&](int64_t block) {
      const GroupedRows packed = rows->block(block);
      const int64_t first = block * kGroupedRows;
      for (int64_t m = 0; m < g.rows; ++m) {
        float y[kGroupedRows];
        product(packed, padded + m * room, sums + m * rows->groups, y);
        for (int64_t n = first; n < std::min(first + kGroupedRows, g.columns); ++n) {
          const int64_t at = m * g.columns + n;
          float v = y[n - first] + rows->bias[static_cast<size_t>(n)];
          if (residual >= 0) v += args.in<float>(residual)[at];
          v = v < clamp.low ? clamp.low : v;
          args.out<float>()[at] = v > clamp.high ? clamp.high : v;
        }
      }
    });
  };
  return kernel;
}

}  // namespace pare::runtime::own
