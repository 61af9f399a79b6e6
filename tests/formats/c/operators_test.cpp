// SPDX-License-Identifier: Apache-2.0
// Operators one by one, in floats and on codes, as compiled C against the runtime; and what is
// refused.
#include <doctest/doctest.h>

#include "formats/c/c_format.hpp"
#include "lib/core/error.hpp"
#include "tests/formats/c/compiled.hpp"
#include "tests/runtime/network.hpp"

namespace pare::tests {
namespace {

using test::Attributes;
using test::Network;

ir::ValueId integers(Network& net, std::vector<int64_t> values) {
  const auto count = static_cast<int64_t>(values.size());
  return net.constant(ir::Tensor::i64({count}, values));
}

Attributes window(int64_t kernel, int64_t stride, std::vector<int64_t> pads) {
  return {{"kernel_shape", std::vector<int64_t>{kernel, kernel}},
          {"strides", std::vector<int64_t>{stride, stride}},
          {"pads", std::move(pads)}};
}

// Convolutions of every kind, an elementwise sum and product, a residual.
ir::Model arithmetic(bool quantized) {
  Network net({4, 9, 7}, quantized);
  const auto a = net.conv(net.input(), {.out = 6, .stride = 2, .pads = {0, 1, 2, 0}});
  const auto b = net.conv(
      a,
      {.out = 6, .kernel_h = 1, .kernel_w = 3, .groups = 2, .pads = {0, 1, 0, 1}, .bias = false});
  const auto c = net.conv(b, {.out = 6, .dilation = 2, .groups = 6, .pads = {2, 2, 2, 2}});
  const auto sum = net.same("Add", {a, c});
  const auto difference = net.same("Sub", {sum, b});
  return net.finish({net.same("Mul", {difference, a})});
}

ir::Model tables(bool quantized) {
  Network net({3, 5, 5}, quantized);
  ir::ValueId x = net.conv(net.input(), {.out = 4});
  x = net.same("HardSwish", {x});
  x = net.same("Tanh", {x});
  x = net.same("HardSigmoid", {x});
  x = net.same("Gelu", {x});
  return net.finish({net.same("Sigmoid", {x})});
}

// Every function of one value, each on the same input and then added up.
ir::Model functions(bool quantized) {
  Network net({40}, quantized);
  std::vector<std::string> operators = {"Abs", "Cos", "Elu",      "Erf",      "LeakyRelu", "Mish",
                                        "Neg", "Sin", "Softplus", "Softsign", "Swish"};
  if (quantized) {
    operators.insert(operators.end(), {"Celu", "Selu", "ThresholdedRelu"});
  } else {
    operators.insert(operators.end(), {"Ceil", "Exp", "Floor"});
  }
  ir::ValueId sum = net.same("Relu", {net.input()});
  for (const std::string& op : operators) sum = net.same("Add", {sum, net.same(op, {net.input()})});
  return net.finish({sum});
}

ir::Model pools(bool quantized) {
  Network net({3, 11, 10}, quantized);
  const auto a = net.reshaping("MaxPool", {net.input()}, {3, 6, 5}, window(3, 2, {1, 1, 1, 0}));
  auto with_pads = window(3, 1, {1, 1, 1, 1});
  with_pads["count_include_pad"] = int64_t{1};
  const auto b = net.reshaping("AveragePool", {a}, {3, 6, 5}, with_pads, false);
  const auto c = net.reshaping("AveragePool", {b}, {3, 6, 5}, window(3, 1, {1, 1, 1, 1}), false);
  const auto d = net.reshaping("ReduceMean", {c, integers(net, {3})}, {3, 6, 1}, {}, false);
  return net.finish({net.reshaping("GlobalAveragePool", {d}, {3, 1, 1}, {}, false)});
}

ir::Model movements(bool quantized) {
  Network net({3, 4, 5}, quantized);
  const auto t = net.reshaping("Transpose", {net.input()}, {4, 5, 3},
                               {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  const auto s = net.reshaping("Slice",
                               {t, integers(net, {3, 0}), integers(net, {-100, 5}),
                                integers(net, {1, 2}), integers(net, {-2, 2})},
                               {2, 3, 3});
  const auto value = net.constant(ir::Tensor::f32({}, std::vector<float>{0.5F}));
  const auto p =
      net.reshaping("Pad", {s, integers(net, {0, 1, 0, 2, 0, 0, -1, 0}), value}, {3, 2, 5});
  const auto c = net.reshaping("Concat", {p, p}, {3, 4, 5}, {{"axis", int64_t{2}}}, false);
  const auto again = net.reshaping("Concat", {c, p}, {3, 6, 5}, {{"axis", int64_t{-2}}}, false);
  return net.finish({net.reshaping("Flatten", {again}, {90})});
}

TEST_CASE("operators on codes give the runtime's codes") {
  if (!has_c_compiler()) return;
  check_compiled(arithmetic(true), true);
  check_compiled(tables(true), true);
  check_compiled(functions(true), true);
  check_compiled(pools(true), true);
  check_compiled(movements(true), true);
}

TEST_CASE("operators in floats give the runtime's values") {
  if (!has_c_compiler()) return;
  // At most 36 terms a sum, 6 steps of at most 4 * sqrt(52) units (see golden.cpp), relative to the
  // largest output: 6 * 29 * 2^-24 = 1.1e-5.
  check_compiled(arithmetic(false), false, 1.1e-5F);
  check_compiled(tables(false), false, 1.1e-5F);
  check_compiled(functions(false), false, 1.1e-5F);
  check_compiled(pools(false), false, 1.1e-5F);
  check_compiled(movements(false), true);
}

TEST_CASE("broadcast operands and batch norms that cannot be folded") {
  if (!has_c_compiler()) return;
  Network net({4, 3, 5}, false);
  const auto scale = net.constant(ir::Tensor::f32({4, 1, 1}, std::vector<float>{1, 2, 3, 4}));
  const auto row = net.constant(ir::Tensor::f32({5}, std::vector<float>{5, 4, 3, 2, 1}));
  const auto one = net.constant(ir::Tensor::f32({1}, std::vector<float>{0.5F}));
  ir::ValueId x = net.same("Mul", {net.input(), scale});
  x = net.same("Div", {x, row});
  x = net.same("Sub", {x, one});
  const auto four = [&](float value) {
    return net.constant(ir::Tensor::f32({4}, std::vector<float>(4, value)));
  };
  x = net.same("BatchNormalization", {x, four(1.5F), four(0.25F), four(0.1F), four(2.0F)});
  check_compiled(net.finish({net.same(
                     "Clip", {x, net.constant(ir::Tensor::f32({}, std::vector<float>{-1.0F}))})}),
                 false, 1.1e-5F);
}

TEST_CASE("the parts of a split, and a slope a channel") {
  if (!has_c_compiler()) return;
  Network net({5, 4}, false);
  const ir::ValueId first =
      net.graph().add("Split", {net.input()}, Attributes{{"axis", int64_t{1}}}, "split", 2);
  const ir::ValueId second{first.index + 1};
  const auto slope = net.constant(ir::Tensor::f32({1, 4}, std::vector<float>{0.5F, 2, 0, -1}));
  const ir::ValueId joined = net.graph().add("Concat", {second, first}, {{"axis", int64_t{1}}});
  check_compiled(net.finish({net.graph().add("PRelu", {joined, slope}, {}, "prelu")}), true);
}

TEST_CASE("the codes before a softmax are checked exactly") {
  if (!has_c_compiler()) return;
  Network net({12}, true);
  const ir::Model model =
      net.finish({net.graph().add("Softmax", {net.gemm(net.input(), 5, false)}, {}, "softmax")});
  check_compiled(model, false, 1.1e-5F);
  const test::Folder folder;
  formats::write_c(model, folder.at("net.c"));
  CHECK(self_test(folder, "net.c").out.starts_with("before the first rounding step: 0 of 5"));
}

TEST_CASE("several inputs and outputs are parameters named after them") {
  if (!has_c_compiler()) return;
  for (const bool quantized : {false, true}) {
    Network net({2, 4, 4}, quantized);
    const auto side = net.graph().add_input("side/channel", {ir::Dim(std::string("batch")), 6});
    if (quantized) net.graph().value(side).quant = ir::ActivationQuant{.scale = 0.1F};
    const auto image = net.conv(net.input(), {.out = 3});
    const auto flat = net.reshaping("Flatten", {image}, {48});
    const auto logits = net.gemm(flat, 6, false);
    const auto sum = net.graph().add("Mul", {logits, side}, {}, "gate");
    const ir::Model model = net.finish({sum, image});
    const test::Folder folder;
    formats::write_c(model, folder.at("net.c"));
    const std::string header = test::read_file(folder.at("net.h"));
    CHECK(
        header.find("(const float *input_input, const float *input_side_channel, float *output_") !=
        std::string::npos);
    const test::Finished passed = self_test(folder, "net.c");
    CHECK_MESSAGE(passed.code == 0, (passed.out + passed.err));
  }
}

TEST_CASE("steps without a name, or named like C, get names of their own") {
  if (!has_c_compiler()) return;
  Network net({4}, false);
  ir::ValueId x = net.input();
  for (const char* name : {"add", "int", "", "*/ #error", "add"}) {
    x = net.same("Add", {x, net.constant(ir::Tensor::f32({4}, std::vector<float>{1, 2, 3, 4}))});
    net.graph().node(net.graph().producer(x)).name = name + net.name("_");
  }
  check_compiled(net.finish({x}), true);
}

void check_refused(const ir::Model& model, const std::string& part) {
  const test::Folder folder;
  std::string message;
  try {
    formats::write_c(model, folder.at("net.c"));
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK_MESSAGE(message.find(part) != std::string::npos, message);
  CHECK(folder.names().empty());
}

TEST_CASE("what has no C kernel is refused by name, and nothing is written") {
  Network gather({5, 3}, false);
  check_refused(
      gather.finish({gather.graph().add("Gather", {gather.input(), integers(gather, {1, 0})},
                                        {{"axis", int64_t{1}}}, "pick")}),
      "pick: operator Gather cannot be written as C source");
  Network reflect({5, 3}, false);
  check_refused(reflect.finish({reflect.graph().add(
                    "Pad", {reflect.input(), integers(reflect, {0, 1, 0, 0, 1, 0})},
                    {{"mode", std::string("reflect")}}, "mirror")}),
                "mirror: Pad in mode reflect cannot be written as C source");
  Network product({4, 4}, false);
  check_refused(product.finish({product.graph().add("MatMul", {product.input(), product.input()},
                                                    {}, "square")}),
                "square: MatMul with a weight that is not constant");
  Network identity({4}, false);
  check_refused(identity.finish({identity.graph().add("Identity", {identity.input()})}),
                "is another input or output");
}

}  // namespace
}  // namespace pare::tests
