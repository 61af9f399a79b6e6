// SPDX-License-Identifier: Apache-2.0
// Products of activation codes with 4-bit weights that have a scale a group (w4a8): the reference
// against the definition, the kernels of every instruction set against the reference, bit for bit.
#include <doctest/doctest.h>

#include "tests/runtime/isa_guard.hpp"
#include "tests/runtime/network.hpp"

using namespace pare;
using test::Network;

namespace {

struct Shape {
  int64_t depth, out, group_size;
};

// Codes over the whole range, f16 scales as quantization makes them.
ir::Tensor grouped_weight(Rng& rng, const Shape& s) {
  std::vector<int32_t> codes(static_cast<size_t>(s.depth * s.out));
  for (int32_t& code : codes) code = static_cast<int32_t>(rng.below(16)) - 8;
  codes.front() = -8;
  codes.back() = 7;
  const int64_t groups = s.out * ((s.depth + s.group_size - 1) / s.group_size);
  std::vector<uint16_t> scales(static_cast<size_t>(groups));
  for (uint16_t& scale : scales) scale = ir::f32_to_f16(rng.uniform(0.002F, 0.02F));
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, ir::Tensor(ir::DType::kI4, {s.out, s.depth},
                                         ir::Buffer::heap(ir::pack_nibbles(codes))));
  parts.set(ir::Part::kScales, ir::Tensor::of<uint16_t>(ir::DType::kF16, {groups}, scales));
  const ir::QuantScheme scheme{
      .code = ir::DType::kI4, .scale = ir::DType::kF16, .axis = 0, .group_size = s.group_size};
  return ir::Tensor::composite({s.out, s.depth}, scheme, {}, parts);
}

ir::ActivationQuant quant(float scale, int32_t zero) {
  return {.scale = scale, .zero_point = zero};
}

ir::ValueId grouped_gemm(Network& net, ir::ValueId x, const Shape& s, bool bias = true) {
  std::vector<ir::ValueId> inputs = {x, net.constant(grouped_weight(net.rng(), s))};
  if (bias) {
    std::vector<float> values(static_cast<size_t>(s.out));
    for (float& value : values) value = net.rng().normal();
    inputs.push_back(net.constant(ir::Tensor::f32({s.out}, values)));
  }
  return net.graph().add("Gemm", inputs, {{"transB", int64_t{1}}}, net.name("gemm"));
}

// One product of an input with the given zero point, to codes or to floats.
ir::Model one_product(const Shape& s, int32_t zero, bool to_codes, uint64_t seed) {
  Network net({s.depth}, false, seed);
  net.graph().value(net.input()).quant = quant(0.02F, zero);
  const ir::ValueId y = grouped_gemm(net, net.input(), s, to_codes);
  if (to_codes) {
    const float deviation = 0.02F * 85.0F * 0.012F * 4.6F * std::sqrt(static_cast<float>(s.depth));
    net.graph().value(y).quant = quant(deviation / 60.0F, 97);
  }
  return net.finish({y});
}

void check_equal_on_every_isa(const ir::Model& model, int64_t batch, std::vector<int> threads) {
  const auto expected = test::run_once(model, {.batch = batch, .reference = true});
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    for (const int count : threads) {
      CAPTURE(count);
      const runtime::SessionOptions options{.batch = batch, .threads = count};
      REQUIRE(test::run_once(model, options) == expected);
    }
  }
}

bool all_products_packed(const ir::Model& model) {
  const runtime::Session session(model, {});
  bool all = true;
  for (const auto& step : session.steps()) {
    if (step.op == "Gemm") all &= step.integer && step.kernel.starts_with("int4-gemm-u8-");
  }
  return all;
}

}  // namespace

TEST_CASE("the reference of w4a8 is its definition") {
  const Shape s{.depth = 100, .out = 7, .group_size = 32};
  const ir::Model model = one_product(s, 117, false, 5);
  runtime::Session session(model, {.batch = 3, .reference = true});
  test::fill_random(session.input(), 7);
  const std::vector<float> x(session.input().begin(), session.input().end());
  session.run();
  const ir::Tensor& weight = model.parameters.entries().front().tensor;
  const std::vector<float> w = ir::to_f32(weight);
  for (int64_t i = 0; i < 3 * s.out; ++i) {
    double sum = 0.0, magnitude = 0.0;
    for (int64_t k = 0; k < s.depth; ++k) {
      const float input = x[static_cast<size_t>(i / s.out * s.depth + k)];
      const double code = std::clamp(std::nearbyint(input / 0.02F) + 117.0F, 0.0F, 255.0F);
      const double a = (code - 117.0) * static_cast<double>(0.02F);
      sum += a * w[static_cast<size_t>(i % s.out * s.depth + k)];
      magnitude += std::abs(a * w[static_cast<size_t>(i % s.out * s.depth + k)]);
    }
    // Four groups: a product, at most four sums and the product with s_a, each rounded once, and w
    // itself, which is a rounded product here.
    REQUIRE(std::abs(session.output()[static_cast<size_t>(i)] - sum) <= 7 * 0x1p-24 * magnitude);
  }
}

TEST_CASE("w4a8 products of odd sizes equal the reference") {
  uint64_t seed = 100;
  for (const int64_t group_size : {8, 20, 32, 64, 1024}) {
    for (const int64_t depth : {1, 7, 8, 31, 32, 33, 100, 300}) {
      for (const int64_t out : {1, 4, 17, 70}) {
        CAPTURE(group_size);
        CAPTURE(depth);
        CAPTURE(out);
        const bool to_codes = seed % 2 == 0;
        const int32_t zero = seed % 3 == 0 ? 0 : 117;
        const ir::Model model = one_product({depth, out, group_size}, zero, to_codes, seed++);
        REQUIRE(all_products_packed(model));
        check_equal_on_every_isa(model, 1, {1});
        check_equal_on_every_isa(model, 3, {3});
      }
    }
  }
}

TEST_CASE("w4a8 products give the same bits at any batch and number of threads") {
  for (const Shape& s : {Shape{320, 130, 32}, Shape{333, 257, 64}}) {
    for (const int64_t batch : {1, 3, 32, 65}) {
      CAPTURE(batch);
      check_equal_on_every_isa(one_product(s, 117, true, 11), batch, {1, 2, 3, 8});
      check_equal_on_every_isa(one_product(s, 0, false, 12), batch, {1, 2, 3, 8});
    }
  }
}

TEST_CASE("w4a8 with a residual and an activation equals the reference") {
  Network net({48}, false, 21);
  ir::Graph& graph = net.graph();
  graph.value(net.input()).quant = quant(0.02F, 117);
  const ir::ValueId first = graph.add("Relu", {grouped_gemm(net, net.input(), {48, 48, 32})});
  graph.value(first).quant = quant(0.02F, 0);
  const ir::ValueId second = grouped_gemm(net, first, {48, 48, 32});
  const ir::ValueId sum = graph.add("Relu", {graph.add("Add", {second, first})});
  graph.value(sum).quant = quant(0.03F, 3);
  const ir::Model model = net.finish({grouped_gemm(net, sum, {48, 10, 16}, false)});
  CHECK(all_products_packed(model));
  CHECK(runtime::Session(model, {}).steps().size() <= 5);  // the input's codes, and three products
  check_equal_on_every_isa(model, 1, {1});
  check_equal_on_every_isa(model, 5, {1, 3});
}

TEST_CASE("extreme codes of w4a8 do not saturate on any instruction set") {
  for (const int32_t code : {-8, 7}) {
    Network net({64}, false, 3);
    net.graph().value(net.input()).quant = quant(0.5F, 0);
    ir::Tensor::Parts parts;
    const std::vector<int32_t> codes(size_t{3} * 64, code);
    parts.set(ir::Part::kCodes,
              ir::Tensor(ir::DType::kI4, {3, 64}, ir::Buffer::heap(ir::pack_nibbles(codes))));
    parts.set(ir::Part::kScales, ir::Tensor::f32({3}, std::vector<float>(3, 0.25F)));
    const ir::QuantScheme scheme{.code = ir::DType::kI4, .axis = 0, .group_size = 64};
    const ir::ValueId weight = net.constant(ir::Tensor::composite({3, 64}, scheme, {}, parts));
    const ir::Model model =
        net.finish({net.graph().add("Gemm", {net.input(), weight}, {{"transB", int64_t{1}}})});
    for (const std::string& isa : test::available_isas()) {
      CAPTURE(isa);
      const test::IsaGuard guard(isa);
      runtime::Session session(model, {});
      std::ranges::fill(session.input(), 1e6F);
      session.run();
      CHECK(session.output()[2] == static_cast<float>(64 * 255 * code) * 0.125F);
    }
  }
}

TEST_CASE("weights of w4a8 stay packed in memory") {
  const ir::Model model = one_product({1024, 64, 32}, 0, false, 4);
  // 4 bits a weight, an f32 scale for each 32 of them, and the bias.
  CHECK(runtime::Session(model, {}).packed_weight_bytes() == 1024 * 64 / 2 + 32 * 64 * 4 + 64 * 4);
}
