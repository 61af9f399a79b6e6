// SPDX-License-Identifier: Apache-2.0
// Weights that stay packed in memory: 4-bit and 8-bit codes with group scales, computed in f32.
#include <doctest/doctest.h>

#include "lib/ir/sparse.hpp"
#include "lib/runtime/kernels/own/own.hpp"
#include "tests/runtime/isa_guard.hpp"
#include "tests/runtime/network.hpp"

using namespace pare;
using test::Network;

namespace {

struct Scheme {
  ir::DType code;
  int64_t group_size;
  bool symmetric;
};

ir::Tensor random_weight(Rng& rng, const ir::Dims& dims, const Scheme& s) {
  const int64_t count = dims[0] * dims[1];
  const int64_t groups = s.group_size > 0 ? (dims[1] + s.group_size - 1) / s.group_size : 1;
  const auto scale_count = static_cast<size_t>(dims[0] * groups);
  const int64_t low = ir::min_code(s.code);
  std::vector<int32_t> codes(static_cast<size_t>(count));
  for (int32_t& code : codes) {
    code = static_cast<int32_t>(low + rng.below(ir::max_code(s.code) - low + 1));
  }
  std::vector<float> scales(scale_count);
  for (float& scale : scales) scale = rng.uniform(0.01F, 0.05F);
  ir::Tensor::Parts parts;
  if (s.code == ir::DType::kI8) {
    const std::vector<int8_t> narrow(codes.begin(), codes.end());
    parts.set(ir::Part::kCodes, ir::Tensor::of<int8_t>(s.code, dims, narrow));
  } else {
    parts.set(ir::Part::kCodes,
              ir::Tensor(s.code, dims, ir::Buffer::heap(ir::pack_nibbles(codes))));
  }
  const ir::Dims scale_dims = {static_cast<int64_t>(scale_count)};
  parts.set(ir::Part::kScales, ir::Tensor::f32(scale_dims, scales));
  if (!s.symmetric) {
    std::vector<int32_t> zeros(scale_count);
    for (int32_t& zero : zeros) zero = static_cast<int32_t>(low + rng.below(16));
    parts.set(ir::Part::kZeroPoints, ir::Tensor::of<int32_t>(ir::DType::kI32, scale_dims, zeros));
  }
  return ir::Tensor::composite(
      dims,
      ir::QuantScheme{
          .code = s.code, .symmetric = s.symmetric, .axis = 0, .group_size = s.group_size},
      {}, parts);
}

// x [batch, depth] times the transposed weight [out, depth] by the kernel itself, whatever the size
// from which the planner would choose it.
std::vector<float> run_kernel(runtime::Kernel (*make)(const runtime::StepSpec&),
                              const ir::Tensor& weight, int64_t batch, std::span<const float> x) {
  const ir::Dims& dims = weight.dims();
  runtime::StepSpec step{.name = "gemm"};
  step.node.op = "Gemm";
  step.node.attributes = {{"transB", int64_t{1}}};
  step.inputs = {{.dims = {batch, dims[1]}}, {.dims = dims, .constant = weight}};
  step.outputs = {{.dims = {batch, dims[0]}}};
  const runtime::Kernel kernel = make(step);
  std::vector<float> input(x.begin(), x.end());
  std::vector<float> output(static_cast<size_t>(batch * dims[0]));
  std::vector<float> scratch(static_cast<size_t>(kernel.scratch_bytes) / sizeof(float) + 16);
  std::byte* const inputs[] = {reinterpret_cast<std::byte*>(input.data()), nullptr};
  std::byte* const outputs[] = {reinterpret_cast<std::byte*>(output.data())};
  kernel.run({.inputs = inputs,
              .outputs = outputs,
              .scratch = reinterpret_cast<std::byte*>(scratch.data())});
  return output;
}

std::vector<float> random_values(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  test::fill_random(values, 9);
  return values;
}

void check_product(int64_t depth, int64_t out, const Scheme& scheme, int64_t batch) {
  Rng rng(static_cast<uint64_t>(depth * 31 + out));
  const ir::Tensor weight = random_weight(rng, {out, depth}, scheme);
  const std::vector<float> w = ir::to_f32(weight);
  const std::vector<float> x = random_values(batch * depth);
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    const auto y = run_kernel(runtime::own::make_packed_product, weight, batch, x);
    for (int64_t i = 0; i < batch * out; ++i) {
      double sum = 0.0;
      double magnitude = 0.0;
      for (int64_t k = 0; k < depth; ++k) {
        const double a = x[static_cast<size_t>(i / out * depth + k)];
        sum += a * w[static_cast<size_t>(i % out * depth + k)];
        // The kernel sums x * code and x apart: codes and offsets are at most so many scales each.
        magnitude += std::abs(a) * 0.05 * 2 * (scheme.code == ir::DType::kI8 ? 128 : 24);
      }
      const double bound = static_cast<double>(depth + 4) * 0x1p-24 * magnitude;
      REQUIRE(std::abs(y[static_cast<size_t>(i)] - sum) <= bound);
    }
  }
}

}  // namespace

TEST_CASE("products with packed weights equal their dequantized definition") {
  const Scheme schemes[] = {{ir::DType::kI4, 32, true},  {ir::DType::kI4, 64, false},
                            {ir::DType::kU4, 20, false}, {ir::DType::kI8, 0, true},
                            {ir::DType::kI8, 16, true},  {ir::DType::kI4, 0, true}};
  for (const Scheme& scheme : schemes) {
    for (const int64_t depth : {1, 31, 32, 33, 100, 300}) {
      CAPTURE(depth);
      check_product(depth, 7, scheme, 1);
      check_product(depth, 5, scheme, 3);
    }
  }
}

TEST_CASE("products with sparse weights equal their definition and the same bits on every ISA") {
  constexpr int64_t kDepth = 301;
  constexpr int64_t kOut = 67;
  Rng rng(77);
  std::vector<float> dense(static_cast<size_t>(kDepth * kOut), 0.0F);
  std::vector<uint8_t> kept(dense.size(), 0);
  std::vector<float> stored;
  for (size_t i = 0; i < dense.size(); ++i) {
    // Row 3 keeps nothing.
    if (rng.uniform() < 0.7F || static_cast<int64_t>(i) / kDepth == 3) continue;
    kept[i] = 1;
    dense[i] = rng.normal();
    stored.push_back(dense[i]);
  }
  const ir::SparseLayout layout{.kind = ir::SparseKind::kBitmask};
  const ir::Bytes mask = ir::pack_mask(kept, {kOut, kDepth}, layout);
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, ir::Tensor::f32({static_cast<int64_t>(stored.size())}, stored));
  parts.set(ir::Part::kMask,
            ir::Tensor::of<std::byte>(ir::DType::kU8, {static_cast<int64_t>(mask.size())}, mask));
  const ir::Tensor weight = ir::Tensor::composite({kOut, kDepth}, std::nullopt, layout, parts);
  const std::vector<float> x = random_values(2 * kDepth);
  std::vector<float> first;
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    const auto y = run_kernel(runtime::own::make_sparse_product, weight, 2, x);
    for (int64_t i = 0; i < 2 * kOut; ++i) {
      double sum = 0.0;
      double magnitude = 0.0;
      for (int64_t k = 0; k < kDepth; ++k) {
        const double product = static_cast<double>(x[static_cast<size_t>(i / kOut * kDepth + k)]) *
                               dense[static_cast<size_t>(i % kOut * kDepth + k)];
        sum += product;
        magnitude += std::abs(product);
      }
      REQUIRE(std::abs(y[static_cast<size_t>(i)] - sum) <= kDepth * 0x1p-24 * magnitude);
    }
    if (first.empty()) first = y;
    CHECK(y == first);
  }
}

TEST_CASE("large weights stay packed when a model is planned") {
  Network net({1000}, false, 3);
  const ir::Tensor weight = random_weight(net.rng(), {600, 1000}, {ir::DType::kI4, 64, true});
  const ir::ValueId y = net.graph().add("Gemm", {net.input(), net.constant(weight)},
                                        {{"transB", int64_t{1}}}, "gemm");
  const ir::Model model = net.finish({y});
  runtime::Session session(model, {});
  CHECK(session.steps()[0].kernel.starts_with("int4-gemv"));
  // 4 bits a weight, and 8 bytes of scale and offset for each 64 of them (2 tail groups of 1000 /
  // 64).
  CHECK(session.packed_weight_bytes() < 600 * 1024 / 2 + 600 * 16 * 8 + 600 * 4 + 1);
}
