// SPDX-License-Identifier: Apache-2.0
// Every differentiable row against the runtime's reference kernel of the same operator.
#include "lib/train/torch_graph.hpp"
// torch first: its logging macros would otherwise replace doctest's CHECK.
#include <cmath>
#include <set>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/session.hpp"

namespace pare::train {

namespace {

using Attributes = std::map<std::string, ir::Attribute>;
using Ints = std::vector<int64_t>;

// A parameter: random floats of these dims, the integers given, or one float.
struct Operand {
  ir::Dims dims;
  Ints integers = {};
  std::vector<float> floats = {};
};
Operand random(ir::Dims dims) { return {.dims = std::move(dims)}; }
Operand ints(Ints values) {
  return {.dims = {static_cast<int64_t>(values.size())}, .integers = values};
}
Operand scalar(float value) { return {.dims = {}, .floats = {value}}; }

struct Case {
  std::string op;
  ir::Dims item;
  std::vector<Operand> operands = {};
  Attributes attributes = {};
};

constexpr int64_t kBatch = 2;

ir::Tensor tensor_of(const Operand& operand, Rng& rng) {
  if (!operand.integers.empty()) return ir::Tensor::i64(operand.dims, operand.integers);
  if (!operand.floats.empty()) return ir::Tensor::f32(operand.dims, operand.floats);
  std::vector<float> values(static_cast<size_t>(ir::element_count(operand.dims)));
  // Positive, so that a BatchNormalization's variance is one.
  for (float& v : values) v = rng.uniform(0.1F, 1.0F);
  return ir::Tensor::f32(operand.dims, values);
}

ir::Model model_of(const Case& c) {
  Rng rng(7);
  ir::Model model;
  ir::Graph graph;
  ir::Shape shape = {ir::Dim(kBatch)};
  for (const int64_t d : c.item) shape.emplace_back(d);
  std::vector<ir::ValueId> inputs = {graph.add_input("x", shape)};
  for (const Operand& operand : c.operands) {
    const std::string name = "p" + std::to_string(inputs.size());
    const ir::Tensor tensor = tensor_of(operand, rng);
    model.parameters.set(name, tensor);
    inputs.push_back(graph.add_parameter(name, tensor.dtype(), tensor.dims()));
  }
  if (c.op == "Concat") inputs = {inputs[0], inputs[0]};
  const ir::ValueId y = graph.add(c.op, inputs, c.attributes, "node");
  // Keeps a Softmax from being taken for the end of a classifier.
  graph.outputs = {graph.add("Identity", {y}, {}, "end")};
  model.graphs.push_back(graph);
  ir::infer_shapes(model, model.graphs[0]);
  return model;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"Conv", {4, 7, 6}, {random({6, 4, 3, 3}), random({6})}, {{"pads", Ints{1, 1, 1, 1}}}},
      {"Conv",
       {4, 7, 6},
       {random({8, 2, 3, 2})},
       {{"group", int64_t{2}}, {"strides", Ints{2, 1}}, {"pads", Ints{0, 1, 2, 0}}}},
      {"Conv",
       {4, 9, 9},
       {random({4, 1, 3, 3})},
       {{"group", int64_t{4}}, {"dilations", Ints{2, 2}}}},
      {"Gemm", {5}, {random({3, 5}), random({3})}, {{"transB", int64_t{1}}}},
      {"Gemm", {5}, {random({5, 3}), random({3})}, {{"alpha", 0.5}, {"beta", 2.0}}},
      {"MatMul", {5}, {random({5, 3})}},
      {"Add", {3, 4}, {random({4})}},
      {"Sub", {3, 4}, {random({3, 1})}},
      {"Mul", {3, 4}, {random({3, 4})}},
      {"Div", {3, 4}, {random({4})}},
      {"Relu", {9}},
      {"Clip", {9}, {scalar(-0.25F), scalar(0.5F)}},
      {"Sigmoid", {9}},
      {"HardSwish", {9}},
      {"HardSigmoid", {9}, {}, {{"alpha", 0.25}, {"beta", 0.4}}},
      {"Gelu", {9}},
      {"Gelu", {9}, {}, {{"approximate", std::string("tanh")}}},
      {"Tanh", {9}},
      {"Softmax", {3, 5}},
      {"LogSoftmax", {3, 5}, {}, {{"axis", int64_t{1}}}},
      {"BatchNormalization", {3, 4, 4}, {random({3}), random({3}), random({3}), random({3})}},
      {"MaxPool", {2, 6, 7}, {}, {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 2}}}},
      {"MaxPool",
       {2, 6, 7},
       {},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{0, 0, 1, 1}}}},
      {"AveragePool",
       {2, 6, 6},
       {},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}},
      {"AveragePool", {2, 6, 6}, {}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{0, 0, 2, 1}}}},
      {"AveragePool",
       {2, 6, 6},
       {},
       {{"kernel_shape", Ints{2, 2}},
        {"pads", Ints{1, 0, 0, 1}},
        {"count_include_pad", int64_t{1}}}},
      {"GlobalAveragePool", {3, 4, 5}},
      {"ReduceMean", {3, 4}, {ints({-1})}, {{"keepdims", int64_t{0}}}},
      {"Flatten", {3, 4}},
      {"Reshape", {3, 4}, {ints({0, 2, -1})}},
      {"Transpose", {3, 4}, {}, {{"perm", Ints{0, 2, 1}}}},
      {"Concat", {3, 4}, {}, {{"axis", int64_t{1}}}},
      {"Slice", {6, 4}, {ints({1}), ints({-1}), ints({1}), ints({2})}},
      {"Slice", {6, 4}, {ints({-1}), ints({-7}), ints({1}), ints({-2})}},
      {"Pad", {3, 4}, {ints({0, 1, 0, 0, 0, 2}), scalar(1.5F)}},
      {"Squeeze", {1, 4}, {ints({1})}},
      {"Unsqueeze", {4}, {ints({1})}},
      {"Gather", {5, 3}, {ints({4, 0, -2})}, {{"axis", int64_t{1}}}},
      {"Identity", {4}},
  };
  return kCases;
}

}  // namespace

TEST_CASE("the operator table says what can be trained through") {
  for (const TorchRow& row : all_torch_ops()) {
    INFO(std::string(row.op));
    CHECK(ir::find_op(row.op) != nullptr);
  }
  for (const ir::OpRow& row : ir::all_ops()) {
    INFO(std::string(row.name));
    CHECK((find_torch_op(row.name) != nullptr) == ir::is_differentiable(row));
  }
}

TEST_CASE("an operator that cannot be trained through is refused by name") {
  const ir::Model model = model_of({"Sign", {4}});
  FlatTensors weights;
  try {
    TorchGraph(model, "model", weights);
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    CHECK(std::string(e.what()) == "node: training through Sign is not supported");
  }
}

TEST_CASE("every differentiable row computes what the reference kernel computes") {
  std::set<std::string> seen = {"Constant"};  // has no input: below
  for (const Case& c : cases()) {
    INFO(c.op);
    seen.insert(c.op);
    const ir::Model model = model_of(c);
    runtime::Session session(model, {.batch = kBatch, .reference = true});
    Rng rng(3);
    for (float& v : session.input()) v = rng.uniform(-1.0F, 1.0F);
    session.run();

    FlatTensors weights;
    TorchGraph graph(model, "model", weights);
    weights.seal(true);
    ir::Dims dims = {kBatch};
    dims.insert(dims.end(), c.item.begin(), c.item.end());
    at::Tensor input = at::from_blob(session.input().data(), dims).clone();
    input.set_requires_grad(true);
    const at::Tensor output = graph.forward(input, false);

    CHECK(output.sizes().vec() == session.output_dims(0));
    const at::Tensor flat = output.detach().contiguous();
    REQUIRE(flat.numel() == static_cast<int64_t>(session.output().size()));
    for (int64_t i = 0; i < flat.numel(); ++i) {
      // At most 36 products of factors below 1: 36 half-ulps of 36 < 1e-4; the rest is smaller.
      CHECK(flat.data_ptr<float>()[i] ==
            doctest::Approx(session.output()[static_cast<size_t>(i)]).epsilon(1e-4));
    }
    output.sum().backward();
    CHECK(input.grad().defined());
  }
  for (const TorchRow& row : all_torch_ops()) {
    INFO(std::string(row.op));
    CHECK(seen.contains(std::string(row.op)));
  }
}

TEST_CASE("gradients of weights agree with central differences") {
  const Case c{
      "Conv", {3, 5, 5}, {random({4, 3, 3, 3}), random({4})}, {{"pads", Ints{1, 1, 1, 1}}}};
  const ir::Model model = model_of(c);
  FlatTensors weights;
  TorchGraph graph(model, "model", weights);
  weights.seal(true);
  Rng rng(5);
  std::vector<float> pixels(2 * 75);
  for (float& v : pixels) v = rng.uniform(-1.0F, 1.0F);
  const at::Tensor input = at::from_blob(pixels.data(), {2, 3, 5, 5});
  const auto loss = [&] { return at::tanh(graph.forward(input, true)).sum(); };
  loss().backward();
  const std::vector<float> gradients(weights.gradients().begin(), weights.gradients().end());
  for (const size_t i : {size_t{0}, size_t{17}, size_t{50}, size_t{107}}) {
    float& w = weights.flat()[i];
    const float before = w;
    constexpr float kStep = 1e-2F;
    w = before + kStep;
    const double above = loss().item().toDouble();
    w = before - kStep;
    const double below = loss().item().toDouble();
    w = before;
    // f32 sums of 200 terms: noise 2e-5 / step, curvature step^2: 1 % of gradients of about 1.
    CHECK(gradients[i] == doctest::Approx((above - below) / (2 * kStep)).epsilon(0.01).scale(1));
  }
}

TEST_CASE("batch normalization trains on the batch and moves the running statistics by a tenth") {
  const Case c{"BatchNormalization", {2}, {random({2}), random({2}), random({2}), random({2})}};
  const ir::Model model = model_of(c);
  FlatTensors weights;
  TorchGraph graph(model, "model", weights);
  weights.seal(true);
  const std::vector<float> mean_before(graph.statistics().values(0).begin(),
                                       graph.statistics().values(0).end());
  std::vector<float> items = {1, 10, 3, 30};  // channel means 2 and 20
  graph.forward(at::from_blob(items.data(), {2, 2}), true);
  CHECK(graph.statistics().values(0)[0] == doctest::Approx(0.9F * mean_before[0] + 0.1F * 2));
  CHECK(graph.statistics().values(0)[1] == doctest::Approx(0.9F * mean_before[1] + 0.1F * 20));
  const std::vector<float> after(graph.statistics().values(0).begin(),
                                 graph.statistics().values(0).end());
  graph.forward(at::from_blob(items.data(), {2, 2}), false);
  CHECK(std::equal(after.begin(), after.end(), graph.statistics().values(0).begin()));
}

}  // namespace pare::train
