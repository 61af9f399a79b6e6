// SPDX-License-Identifier: Apache-2.0
// Weights that stay packed in memory: 4-bit and 8-bit codes with group scales, computed in f32.
#include <limits>

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
  bool half_scales = false;
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
  for (float& scale : scales) {
    scale = rng.uniform(0.01F, 0.05F);
    if (s.half_scales) scale = ir::f16_to_f32(ir::f32_to_f16(scale));
  }
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

struct Call {
  int64_t batch = 1;
  int threads = 1;
  runtime::Clamp clamp{};
  std::span<const float> residual{};
};

// x [batch, depth] times the transposed weight [out, depth] by the kernel itself, whatever the size
// from which the planner would choose it.
std::vector<float> run_kernel(runtime::Kernel (*make)(const runtime::StepSpec&),
                              const ir::Tensor& weight, std::span<const float> x,
                              const Call& call) {
  const ir::Dims& dims = weight.dims();
  const ir::Dims out_dims = {call.batch, dims[0]};
  runtime::StepSpec step{.name = "gemm", .clamp = call.clamp, .threads = call.threads};
  step.node.op = "Gemm";
  step.node.attributes = {{"transB", int64_t{1}}};
  step.inputs = {{.dims = {call.batch, dims[1]}}, {.dims = dims, .constant = weight}};
  step.outputs = {{.dims = out_dims}};
  step.has_residual = !call.residual.empty();
  if (step.has_residual) step.inputs.push_back({.dims = out_dims});
  const runtime::Kernel kernel = make(step);
  std::vector<float> input(x.begin(), x.end());
  std::vector<float> residual(call.residual.begin(), call.residual.end());
  std::vector<float> output(static_cast<size_t>(ir::element_count(out_dims)));
  std::vector<float> scratch(static_cast<size_t>(kernel.scratch_bytes) / sizeof(float) + 16);
  std::byte* const inputs[] = {reinterpret_cast<std::byte*>(input.data()), nullptr,
                               reinterpret_cast<std::byte*>(residual.data())};
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
  std::vector<float> first;
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    const auto y = run_kernel(runtime::own::make_packed_product, weight, x, {.batch = batch});
    if (first.empty()) first = y;
    REQUIRE(y == first);
    for (int64_t i = 0; i < batch * out; ++i) {
      double sum = 0.0;
      double magnitude = 0.0;
      for (int64_t k = 0; k < depth; ++k) {
        const double a = x[static_cast<size_t>(i / out * depth + k)];
        sum += a * w[static_cast<size_t>(i % out * depth + k)];
        // The kernel sums x * code and x apart: codes and offsets are at most so many scales each.
        // A block's x are off by 2^-22 of its largest, whose own term gives depth + 4 times as much
        // room as the at most 32 others need (grouped.hpp).
        magnitude += std::abs(a) * 0.05 * 2 * (scheme.code == ir::DType::kI8 ? 128 : 24);
      }
      const double bound = static_cast<double>(depth + 4) * 0x1p-24 * magnitude;
      REQUIRE(std::abs(y[static_cast<size_t>(i)] - sum) <= bound);
    }
  }
}

}  // namespace

TEST_CASE("products with packed weights equal their definition, the same bits on every ISA") {
  const Scheme schemes[] = {{ir::DType::kI4, 32, true},       {ir::DType::kI4, 32, true, true},
                            {ir::DType::kI4, 64, false},      {ir::DType::kI4, 128, false, true},
                            {ir::DType::kU4, 20, false},      {ir::DType::kU4, 32, true},
                            {ir::DType::kI8, 0, true},        {ir::DType::kI8, 0, false},
                            {ir::DType::kI8, 16, true, true}, {ir::DType::kI4, 0, true}};
  for (const Scheme& scheme : schemes) {
    for (const int64_t depth : {1, 31, 32, 33, 100, 300}) {
      CAPTURE(depth);
      check_product(depth, 7, scheme, 1);
      check_product(depth, 33, scheme, 3);
    }
    for (const int64_t batch : {2, 6, 15, 41}) check_product(136, 65, scheme, batch);
    check_product(530, 33, scheme, 9);  // pieces of a group, and of several
  }
}

TEST_CASE("packed products give the same bits for any threads and any split of the batch") {
  constexpr int64_t kDepth = 200;
  constexpr int64_t kOut = 2100;  // large enough to be shared among threads
  constexpr int64_t kBatch = 43;
  Rng rng(5);
  const std::vector<float> x = random_values(kBatch * kDepth);
  for (const Scheme& scheme :
       {Scheme{ir::DType::kI4, 32, true}, Scheme{ir::DType::kI8, 0, false}}) {
    const ir::Tensor weight = random_weight(rng, {kOut, kDepth}, scheme);
    const auto run = [&](std::span<const float> rows, int threads) {
      const auto batch = static_cast<int64_t>(rows.size()) / kDepth;
      return run_kernel(runtime::own::make_packed_product, weight, rows,
                        {.batch = batch, .threads = threads});
    };
    const std::vector<float> all = run(x, 1);
    for (const int threads : {2, 3, 8}) CHECK(run(x, threads) == all);
    for (const int64_t split : {1, 2, 3, 8, 9, 32}) {
      for (int64_t m = 0; m < kBatch; m += split) {
        const int64_t rows = std::min(split, kBatch - m);
        const auto some = run(std::span(x).subspan(static_cast<size_t>(m * kDepth),
                                                   static_cast<size_t>(rows * kDepth)),
                              1);
        REQUIRE(std::equal(some.begin(), some.end(), all.begin() + m * kOut));
      }
    }
  }
}

TEST_CASE("packed products add a residual and clamp") {
  Rng rng(6);
  const ir::Tensor weight = random_weight(rng, {70, 96}, {ir::DType::kI4, 32, true});
  const std::vector<float> x = random_values(2 * 96);
  const std::vector<float> residual = random_values(2 * 70);
  std::vector<float> expected =
      run_kernel(runtime::own::make_packed_product, weight, x, {.batch = 2});
  for (size_t i = 0; i < expected.size(); ++i) {
    expected[i] = std::clamp(expected[i] + residual[i], -0.5F, 2.0F);
  }
  CHECK(run_kernel(runtime::own::make_packed_product, weight, x,
                   {.batch = 2, .clamp = {-0.5F, 2.0F}, .residual = residual}) == expected);
}

TEST_CASE("packed products take activations of any size, also not finite ones") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<int8_t> codes = {2, -3, 1, 0};
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, ir::Tensor::of<int8_t>(ir::DType::kI8, {1, 4}, codes));
  parts.set(ir::Part::kScales, ir::Tensor::f32({1}, std::vector<float>{0.5F}));
  const ir::Tensor weight =
      ir::Tensor::composite({1, 4}, ir::QuantScheme{.code = ir::DType::kI8, .axis = 0}, {}, parts);
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    const auto product = [&](std::vector<float> x) {
      return run_kernel(runtime::own::make_packed_product, weight, x, {}).front();
    };
    CHECK(product({0, 0, 0, 0}) == 0.0F);
    CHECK(product({1, 1, 1, 1}) == 0.0F);
    CHECK(product({0, 0, 0x1p126F, 0}) == 0x1p125F);
    CHECK(product({0, 0, -0x1p-100F, 0}) == -0x1p-101F);
    // Just below a power of two, where the largest integer of three signed digits is passed.
    const float close = std::nextafter(1.0F, 0.0F);
    CHECK(product({0, 0, close, 0}) == doctest::Approx(0.5 * close).epsilon(0x1p-22));
    CHECK(product({1, kInf, 1, 0}) == -kInf);
    CHECK(std::isnan(product({1, 1, 1, kInf})));
    CHECK(std::isnan(product({1, std::nanf(""), 1, 1})));
  }
}

namespace {

enum class Values { kReal, kCodes, kCodesWithZeros };

// Bitmask-sparse [out, depth] that keeps `density` of its elements; row 3 keeps nothing.
ir::Tensor sparse_weight(const ir::Dims& dims, float density, Values values) {
  Rng rng(77);
  std::vector<uint8_t> kept(static_cast<size_t>(ir::element_count(dims)), 0);
  std::vector<float> reals;
  std::vector<int8_t> codes;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (rng.uniform() >= density || static_cast<int64_t>(i) / dims[1] == 3) continue;
    kept[i] = 1;
    reals.push_back(rng.normal());
    codes.push_back(static_cast<int8_t>(rng.below(256) - 128));
  }
  const ir::SparseLayout layout{.kind = ir::SparseKind::kBitmask};
  const ir::Bytes mask = ir::pack_mask(kept, dims, layout);
  const ir::Dims stored = {static_cast<int64_t>(reals.size())};
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kMask,
            ir::Tensor::of<std::byte>(ir::DType::kU8, {static_cast<int64_t>(mask.size())}, mask));
  if (values == Values::kReal) {
    parts.set(ir::Part::kCodes, ir::Tensor::f32(stored, reals));
    return ir::Tensor::composite(dims, std::nullopt, layout, parts);
  }
  std::vector<float> scales(static_cast<size_t>(dims[0]));
  for (float& scale : scales) scale = rng.uniform(0.01F, 0.05F);
  parts.set(ir::Part::kCodes, ir::Tensor::of<int8_t>(ir::DType::kI8, stored, codes));
  parts.set(ir::Part::kScales, ir::Tensor::f32({dims[0]}, scales));
  const bool symmetric = values == Values::kCodes;
  if (!symmetric) {
    std::vector<int32_t> zeros(scales.size());
    for (int32_t& zero : zeros) zero = static_cast<int32_t>(rng.below(256) - 128);
    parts.set(ir::Part::kZeroPoints, ir::Tensor::of<int32_t>(ir::DType::kI32, {dims[0]}, zeros));
  }
  return ir::Tensor::composite(dims, ir::QuantScheme{.symmetric = symmetric, .axis = 0}, layout,
                               parts);
}

void check_sparse_product(const ir::Dims& dims, float density, Values values, int64_t batch) {
  const ir::Tensor weight = sparse_weight(dims, density, values);
  const std::vector<float> w = ir::to_f32(weight);
  const int64_t depth = dims[1];
  const std::vector<float> x = random_values(batch * depth);
  std::vector<float> first;
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    for (const int threads : {1, 2, 3, 8}) {
      const auto y = run_kernel(runtime::own::make_sparse_product, weight, x,
                                {.batch = batch, .threads = threads});
      if (first.empty()) first = y;
      CHECK(y == first);
    }
  }
  // A row's sums are the same whatever goes with it.
  for (int64_t m = 0; m < batch; ++m) {
    const auto row =
        std::span(x).subspan(static_cast<size_t>(m * depth), static_cast<size_t>(depth));
    const auto y = run_kernel(runtime::own::make_sparse_product, weight, row, {});
    REQUIRE(std::equal(y.begin(), y.end(), first.begin() + m * dims[0]));
  }
  for (int64_t i = 0; i < batch * dims[0]; ++i) {
    double sum = 0.0;
    double magnitude = 0.0;
    for (int64_t k = 0; k < depth; ++k) {
      const double product = static_cast<double>(x[static_cast<size_t>(i / dims[0] * depth + k)]) *
                             w[static_cast<size_t>(i % dims[0] * depth + k)];
      sum += product;
      magnitude += std::abs(product);
    }
    // depth roundings of sums, one of a code's product and one by its scale.
    const double bound = static_cast<double>(depth + 2) * 0x1p-24 * magnitude;
    REQUIRE(std::abs(first[static_cast<size_t>(i)] - sum) <= bound);
  }
}

}  // namespace

TEST_CASE("products with sparse weights equal their definition, the same bits on every ISA") {
  for (const Values values : {Values::kReal, Values::kCodes, Values::kCodesWithZeros}) {
    CAPTURE(static_cast<int>(values));
    for (const float density : {0.02F, 0.3F, 1.0F}) {
      CAPTURE(density);
      for (const int64_t depth : {1, 31, 64, 65, 301}) {
        check_sparse_product({5, depth}, density, values, 2);
        check_sparse_product({67, depth}, density, values, 2);
        check_sparse_product({35, depth}, density, values, 7);
        check_sparse_product({35, depth}, density, values, 13);
      }
    }
    check_sparse_product({900, 500}, 0.2F, values, 2);  // shared among threads
    for (const int64_t batch : {17, 64, 103}) check_sparse_product({70, 301}, 0.5F, values, batch);
    check_sparse_product({3, 4200}, 0.3F, values,
                         5);  // a strand of more blocks than a word has bits
  }
}

TEST_CASE("pruned weights with codes stay sparse when a model is planned") {
  Network net({1000}, false, 3);
  const ir::Tensor weight = sparse_weight({600, 1000}, 0.2F, Values::kCodes);
  const ir::ValueId y = net.graph().add("Gemm", {net.input(), net.constant(weight)},
                                        {{"transB", int64_t{1}}}, "gemm");
  const ir::Model model = net.finish({y});
  runtime::Session session(model, {});
  CHECK(session.steps()[0].kernel.starts_with("sparse-int8-gemv"));
  CHECK(session.steps()[0].kernel.find("decoded") == std::string::npos);
  // Two bytes a kept weight and at most half of that again for rows that wait.
  CHECK(session.packed_weight_bytes() < 600'000 * 0.2 * 2 * 1.5 + 600 * 8 + 1000);
}

TEST_CASE("large weights stay packed when a model is planned, for any batch") {
  Network net({1000}, false, 3);
  const ir::Tensor weight = random_weight(net.rng(), {600, 1000}, {ir::DType::kI4, 64, true, true});
  const ir::ValueId y = net.graph().add("Gemm", {net.input(), net.constant(weight)},
                                        {{"transB", int64_t{1}}}, "gemm");
  const ir::Model model = net.finish({y});
  for (const int64_t batch : {1, 16, 200}) {
    CAPTURE(batch);
    runtime::Session session(model, {.batch = batch});
    CHECK(session.steps()[0].kernel.starts_with(batch == 1 ? "int4-gemv" : "int4-gemm"));
    // Of 19 panels of 32 rows: 4 bits a weight of 16 groups of 64, their scales in f16, biases.
    CHECK(session.packed_weight_bytes() == 19 * 32 * (16 * 64 / 2 + 16 * 2) + 600 * 4);
  }
}
