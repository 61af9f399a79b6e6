// SPDX-License-Identifier: Apache-2.0
// Integer kernels of every instruction set against the reference: equal, not close.
#include <doctest/doctest.h>

#include "tests/runtime/isa_guard.hpp"
#include "tests/runtime/network.hpp"
#include "tests/runtime/resnet.hpp"

using namespace pare;
using test::ConvShape;
using test::Network;

namespace {

// The output as it is compared: dequantized codes, or exact f32.
void check_equal_on_every_isa(const ir::Model& model, int64_t batch) {
  const auto expected = test::run_once(model, {.batch = batch, .reference = true});
  float low = expected.front();
  float high = expected.front();
  for (const float x : expected) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  if (expected.size() > 8) CHECK(high > low);  // a constant output would prove nothing
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    for (const int threads : {1, 3}) {
      CAPTURE(threads);
      CHECK(test::run_once(model, {.batch = batch, .threads = threads}) == expected);
    }
  }
}

ir::Model one_conv(ir::Dims item, const ConvShape& shape, uint64_t seed) {
  Network net(std::move(item), true, seed);
  return net.finish({net.conv(net.input(), shape)});
}

}  // namespace

TEST_CASE("integer convolutions of odd sizes equal the reference") {
  struct Case {
    ir::Dims item;
    ConvShape conv;
  };
  const Case cases[] = {
      {{1, 28, 28}, {.out = 9}},
      {{3, 11, 7}, {.out = 16}},
      {{16, 15, 15}, {.out = 17, .stride = 2}},
      {{9, 8, 8}, {.out = 33, .kernel_h = 1, .kernel_w = 1, .pads = {0, 0, 0, 0}}},
      {{9, 8, 8}, {.out = 18, .kernel_h = 1, .kernel_w = 1, .stride = 2, .pads = {0, 0, 0, 0}}},
      {{5, 9, 13}, {.out = 31, .kernel_h = 5, .kernel_w = 3, .dilation = 2, .pads = {4, 0, 1, 3}}},
      {{8, 6, 6}, {.out = 12, .groups = 4}},
      {{8, 6, 6}, {.out = 8, .groups = 8}},
      {{21, 7, 5}, {.out = 21, .stride = 2, .groups = 21}},
      {{6, 5, 5}, {.out = 66, .dilation = 2, .groups = 2, .pads = {2, 2, 2, 2}, .bias = false}},
      {{64, 4, 4}, {.out = 80}},
      {{16, 9, 37}, {.out = 33, .stride = 2}},
      {{3, 12, 40}, {.out = 20}},
      {{1, 12, 40}, {.out = 20, .kernel_h = 4, .kernel_w = 7, .stride = 2}},
      {{32, 6, 6}, {.out = 32, .kernel_h = 5, .kernel_w = 5, .groups = 32, .pads = {2, 2, 2, 2}}},
      {{18, 9, 11}, {.out = 18, .groups = 18}},
      {{18, 9, 11}, {.out = 18, .dilation = 2, .groups = 18, .pads = {2, 2, 2, 2}}},
      {{2, 1, 1}, {.out = 1}},
  };
  uint64_t seed = 10;
  for (const Case& c : cases) {
    CAPTURE(seed);
    check_equal_on_every_isa(one_conv(c.item, c.conv, seed++), 1);
    check_equal_on_every_isa(one_conv(c.item, c.conv, seed++), 3);
  }
}

TEST_CASE("integer products of odd sizes equal the reference") {
  uint64_t seed = 50;
  for (const int64_t depth : {1, 3, 4, 15, 16, 17, 300}) {
    for (const int64_t out : {1, 7, 8, 16, 17, 65, 100}) {
      for (const bool quantized_output : {false, true}) {
        Network net({depth}, true, seed++);
        const ir::Model model = net.finish({net.gemm(net.input(), out, quantized_output)});
        CAPTURE(depth);
        CAPTURE(out);
        check_equal_on_every_isa(model, 1);
        check_equal_on_every_isa(model, 5);
      }
    }
  }
}

TEST_CASE("a residual network in integers equals the reference") {
  check_equal_on_every_isa(test::resnet8(9, 12, true), 1);
  check_equal_on_every_isa(test::resnet8(16, 14, true), 3);
}

TEST_CASE("extreme codes do not saturate on any instruction set") {
  // All activations 255 or 0 and all weights 127 or -127: the sums that break 16-bit accumulation.
  for (const int8_t code : {int8_t{127}, int8_t{-127}, int8_t{-128}}) {
    Network net({64}, true, 3);
    ir::Tensor::Parts parts;
    parts.set(ir::Part::kCodes,
              ir::Tensor::of<int8_t>(ir::DType::kI8, {3, 64}, std::vector<int8_t>(3 * 64, code)));
    parts.set(ir::Part::kScales, ir::Tensor::f32({1}, std::vector<float>{0.001F}));
    const ir::ValueId weight =
        net.constant(ir::Tensor::composite({3, 64}, ir::QuantScheme{}, {}, parts));
    const ir::ValueId y =
        net.graph().add("Gemm", {net.input(), weight}, {{"transB", int64_t{1}}}, "gemm");
    const ir::Model model = net.finish({y});
    for (const std::string& isa : test::available_isas()) {
      CAPTURE(isa);
      const test::IsaGuard guard(isa);
      runtime::Session session(model, {});
      for (const float x : {1e6F, -1e6F}) {
        std::fill(session.input().begin(), session.input().end(), x);
        session.run();
        const int32_t activation = (x > 0 ? 255 : 0) - 117;
        const int32_t acc = 64 * activation * code;
        CHECK(session.output()[0] == static_cast<float>(acc) * (0.03F * 0.001F));
      }
    }
  }
}
