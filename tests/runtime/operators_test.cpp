// SPDX-License-Identifier: Apache-2.0
// Every operator: values worked out by hand or copied from the examples of the ONNX operator
// specification, and the fast kernels against the reference ones on every instruction set.
#include <doctest/doctest.h>

#include "tests/runtime/isa_guard.hpp"
#include "tests/runtime/network.hpp"

using namespace pare;
using test::Attributes;
using test::Network;

namespace {

using Floats = std::vector<float>;

ir::Tensor integers(std::vector<int64_t> values) {
  return ir::Tensor::i64({static_cast<int64_t>(values.size())}, values);
}

// Runs one op on one item of shape `item` holding `x`; `constants` are its further inputs.
Floats apply(const std::string& op, const ir::Dims& item, const Floats& x,
             const std::vector<ir::Tensor>& constants = {}, const Attributes& attributes = {}) {
  Network net(item, false);
  std::vector<ir::ValueId> inputs = {net.input()};
  for (const ir::Tensor& tensor : constants) inputs.push_back(net.constant(tensor));
  const ir::Model model = net.finish({net.graph().add(op, inputs, attributes, "node")});
  Floats fast;
  for (const bool reference : {true, false}) {
    runtime::Session session(model, {.reference = reference});
    REQUIRE(session.input().size() == x.size());
    std::copy(x.begin(), x.end(), session.input().begin());
    session.run();
    const auto out = session.output();
    if (!reference) CHECK(fast == Floats(out.begin(), out.end()));
    fast.assign(out.begin(), out.end());
  }
  return fast;
}

void check_close(const Floats& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  // Values worked out to seven digits: half a unit of the last digit, plus rounding to f32.
  for (size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) < 2e-7 + 5e-8);
}

}  // namespace

TEST_CASE("activations have the values of their formulas") {
  const Floats x = {-4.0F, -1.0F, 0.0F, 0.5F, 3.5F};
  CHECK(apply("Relu", {5}, x) == Floats{0, 0, 0, 0.5F, 3.5F});
  CHECK(
      apply("Clip", {5}, x, {ir::Tensor::f32({}, Floats{-1.5F}), ir::Tensor::f32({}, Floats{1})}) ==
      Floats{-1.5F, -1, 0, 0.5F, 1});
  check_close(apply("Sigmoid", {5}, x), {0.01798621, 0.26894142, 0.5, 0.62245933, 0.97068777});
  check_close(apply("Tanh", {5}, x), {-0.99932930, -0.76159416, 0, 0.46211716, 0.99817790});
  check_close(apply("Gelu", {2}, {-1.0F, 0.5F}), {-0.15865525, 0.34573123});
  check_close(apply("Gelu", {1}, {-1.0F}, {}, {{"approximate", std::string("tanh")}}),
              {-0.15880801});
  CHECK(apply("HardSwish", {3}, {-4.0F, 0.0F, 4.0F}) == Floats{0, 0, 4});
  CHECK(apply("HardSigmoid", {3}, {-4.0F, 0.0F, 4.0F}) == Floats{0, 0.5F, 1});
}

TEST_CASE("softmax sums to one and log softmax is its logarithm") {
  check_close(apply("Softmax", {3}, {1, 2, 3}), {0.09003057, 0.24472847, 0.66524096});
  check_close(apply("LogSoftmax", {3}, {1, 2, 3}), {-2.4076060, -1.4076060, -0.40760596});
  check_close(apply("Softmax", {3}, {1000, 1000, -1000}), {0.5, 0.5, 0.0});
  check_close(apply("Softmax", {2, 2}, {0, 5, 0, 5}, {}, {{"axis", int64_t{1}}}),
              {0.5, 0.5, 0.5, 0.5});
}

TEST_CASE("elementwise operators broadcast like numpy") {
  const Floats x = {1, 2, 3, 4, 5, 6};
  CHECK(apply("Add", {2, 3}, x, {ir::Tensor::f32({3}, Floats{10, 20, 30})}) ==
        Floats{11, 22, 33, 14, 25, 36});
  CHECK(apply("Sub", {2, 3}, x, {ir::Tensor::f32({2, 1}, Floats{1, 4})}) ==
        Floats{0, 1, 2, 0, 1, 2});
  CHECK(apply("Mul", {2, 3}, x, {ir::Tensor::f32({}, Floats{2})}) == Floats{2, 4, 6, 8, 10, 12});
  CHECK(apply("Div", {2, 3}, x, {ir::Tensor::f32({1}, Floats{2})}) ==
        Floats{0.5F, 1, 1.5F, 2, 2.5F, 3});
}

TEST_CASE("poolings count padding as ONNX says") {
  const Floats x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<int64_t> two = {2, 2};
  const std::vector<int64_t> three = {3, 3};
  const std::vector<int64_t> ones = {1, 1, 1, 1};
  CHECK(apply("MaxPool", {1, 3, 3}, x, {}, {{"kernel_shape", two}}) == Floats{5, 6, 8, 9});
  CHECK(apply("MaxPool", {1, 3, 3}, x, {},
              {{"kernel_shape", two}, {"strides", two}, {"ceil_mode", int64_t{1}}}) ==
        Floats{5, 6, 8, 9});
  CHECK(apply("AveragePool", {1, 3, 3}, x, {}, {{"kernel_shape", two}}) == Floats{3, 4, 6, 7});
  CHECK(apply("AveragePool", {1, 3, 3}, x, {},
              {{"kernel_shape", three}, {"pads", ones}, {"strides", two}}) == Floats{3, 4, 6, 7});
  CHECK(apply("AveragePool", {1, 3, 3}, x, {},
              {{"kernel_shape", three},
               {"pads", ones},
               {"strides", two},
               {"count_include_pad", int64_t{1}}}) ==
        Floats{12.0F / 9, 16.0F / 9, 24.0F / 9, 28.0F / 9});
  CHECK(apply("GlobalAveragePool", {1, 3, 3}, x) == Floats{5});
  CHECK(apply("ReduceMean", {1, 3, 3}, x, {integers({-1})}, {{"keepdims", int64_t{0}}}) ==
        Floats{2, 5, 8});
}

TEST_CASE("batch normalization alone follows its formula") {
  const auto f = [](Floats values) { return ir::Tensor::f32({2}, values); };
  check_close(apply("BatchNormalization", {2, 1, 2}, {1, 2, 3, 4},
                    {f({2, 1}), f({0.5F, 0}), f({1, 3}), f({4, 1})}, {{"epsilon", 0.0}}),
              {0.5, 1.5, 0.0, 1.0});
}

TEST_CASE("operators that move elements put them where ONNX says") {
  const Floats x = {1, 2, 3, 4, 5, 6};
  CHECK(apply("Transpose", {2, 3}, x, {}, {{"perm", std::vector<int64_t>{0, 2, 1}}}) ==
        Floats{1, 4, 2, 5, 3, 6});
  CHECK(apply("Slice", {2, 3}, x, {integers({1}), integers({100}), integers({2})}) ==
        Floats{2, 3, 5, 6});
  CHECK(apply("Slice", {2, 3}, x,
              {integers({-1}), integers({-100}), integers({2}), integers({-2})}) ==
        Floats{3, 1, 6, 4});
  CHECK(apply("Pad", {2}, {1, 2}, {integers({0, 1, 0, 2}), ir::Tensor::f32({}, Floats{9})}) ==
        Floats{9, 1, 2, 9, 9});
  CHECK(apply("Pad", {3}, {1, 2, 3}, {integers({0, 2, 0, 1})},
              {{"mode", std::string("reflect")}}) == Floats{3, 2, 1, 2, 3, 2});
  CHECK(apply("Pad", {3}, {1, 2, 3}, {integers({0, 2, 0, 1})}, {{"mode", std::string("edge")}}) ==
        Floats{1, 1, 1, 2, 3, 3});
  CHECK(apply("Gather", {3}, {7, 8, 9}, {integers({2, 0, -1})}, {{"axis", int64_t{1}}}) ==
        Floats{9, 7, 9});
  Network net({2}, false);
  const ir::Model model = net.finish(
      {net.graph().add("Concat", {net.input(), net.input()}, {{"axis", int64_t{1}}}, "node")});
  runtime::Session session(model, {});
  session.input()[0] = 1;
  session.input()[1] = 2;
  session.run();
  CHECK(Floats(session.output().begin(), session.output().end()) == Floats{1, 2, 1, 2});
  CHECK(apply("Reshape", {2, 3}, x, {integers({0, 3, -1})}) == x);
  CHECK(apply("Flatten", {2, 3}, x) == x);
  CHECK(apply("Unsqueeze", {6}, x, {integers({0})}) == x);
  CHECK(apply("Squeeze", {6, 1}, x, {integers({2})}) == x);
  CHECK(apply("Identity", {6}, x) == x);
}

TEST_CASE("products follow numpy's matmul and ONNX Gemm") {
  CHECK(apply("MatMul", {2, 2}, {1, 2, 3, 4}, {ir::Tensor::f32({2, 1}, Floats{10, 1})}) ==
        Floats{12, 34});
  CHECK(apply("MatMul", {2, 2}, {1, 2, 3, 4}, {ir::Tensor::f32({1, 2, 1}, Floats{10, 1})}) ==
        Floats{12, 34});
  CHECK(apply("Gemm", {2}, {1, 2},
              {ir::Tensor::f32({2, 2}, Floats{1, 2, 3, 4}), ir::Tensor::f32({1}, Floats{1})},
              {{"alpha", 2.0}, {"beta", 3.0}}) == Floats{17, 23});
}

namespace {

ir::Model integer_operators() {
  Network net({6, 9, 9}, true, 21);
  const ir::ValueId x = net.conv(net.input(), {.out = 19});
  const ir::ValueId pooled = net.reshaping("MaxPool", {x}, {19, 5, 5},
                                           {{"kernel_shape", std::vector<int64_t>{3, 3}},
                                            {"strides", std::vector<int64_t>{2, 2}},
                                            {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ir::ValueId averaged = net.reshaping("AveragePool", {x}, {19, 5, 5},
                                             {{"kernel_shape", std::vector<int64_t>{2, 2}},
                                              {"strides", std::vector<int64_t>{2, 2}},
                                              {"pads", std::vector<int64_t>{0, 0, 1, 1}}},
                                             false);
  const ir::ValueId sum = net.same("Add", {pooled, averaged});
  const ir::ValueId difference = net.same("Sub", {sum, averaged});
  const ir::ValueId product = net.same("Mul", {difference, pooled});
  const ir::ValueId swish = net.same("HardSwish", {product});
  const ir::ValueId joined =
      net.reshaping("Concat", {swish, sum}, {38, 5, 5}, {{"axis", int64_t{1}}}, false);
  return net.finish({joined, net.same("Sigmoid", {averaged})});
}

}  // namespace

TEST_CASE("operators on codes equal the reference on every instruction set") {
  const ir::Model model = integer_operators();
  runtime::Session reference(model, {.batch = 2, .reference = true});
  for (const runtime::StepInfo& step : reference.steps()) {
    CAPTURE(step.op);
    if (step.op != "Quantize" && step.op != "Dequantize" && step.op != "Reorder")
      CHECK(step.integer);
  }
  test::fill_random(reference.input(), 4);
  reference.run();
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    runtime::Session fast(model, {.batch = 2});
    test::fill_random(fast.input(), 4);
    fast.run();
    for (int i = 0; i < 2; ++i) {
      const auto a = reference.output(i);
      const auto b = fast.output(i);
      CHECK(Floats(a.begin(), a.end()) == Floats(b.begin(), b.end()));
    }
  }
}

TEST_CASE("NaN and infinity survive float models and become the ends of the code range") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Floats y = apply("Relu", {1}, {infinity});
  CHECK(y == Floats{infinity});
  Network net({3}, true);
  const ir::ValueId out = net.reshaping("Identity", {net.input()}, {3});
  const ir::Model model = net.finish({out});
  for (const bool reference : {true, false}) {
    runtime::Session session(model, {.reference = reference, .watch = {out}});
    session.input()[0] = nan;
    session.input()[1] = infinity;
    session.input()[2] = -infinity;
    session.run();
    CHECK(session.watched_codes(0) == std::vector<int32_t>{0, 255, 0});
  }
}
