// SPDX-License-Identifier: Apache-2.0
// What an older operator set has instead of an operator computes the same: written at 13, 17 and
// 21, read again and run. ONNX Runtime runs whole models at all three (tests/tier2/run).
#include <algorithm>
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/session.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using ir::Attribute;
using ir::Tensor;
using tests::refusal;
using tests::ScratchFolder;

const ir::Dims kItem = {2, 4, 6, 6};

struct Case {
  std::string op;
  std::vector<Tensor> constants;  // inputs after x; an empty one is absent
  std::map<std::string, Attribute> attributes;
  int outputs = 1;
  int refused_below = 0;  // operator sets older than this have no form of it
};

Tensor integers(const std::vector<int64_t>& values) {
  return Tensor::i64({static_cast<int64_t>(values.size())}, values);
}

Tensor floats(float first) {
  const std::vector<float> values = {first, first + 0.25F, first + 0.5F, first + 0.75F};
  return Tensor::f32({4}, values);
}

ir::Model model_of(const Case& c) {
  ir::Model model;
  ir::Graph graph;
  std::vector<ir::ValueId> inputs = {graph.add_input("x", ir::shape_of(kItem))};
  for (size_t i = 0; i < c.constants.size(); ++i) {
    const Tensor& tensor = c.constants[i];
    if (tensor.count() == 0) {
      inputs.emplace_back();
      continue;
    }
    const std::string name = "constant" + std::to_string(i);
    model.parameters.set(name, tensor);
    inputs.push_back(graph.add_parameter(name, tensor.dtype(), tensor.dims()));
  }
  const ir::ValueId first = graph.add(c.op, inputs, c.attributes, "node", c.outputs);
  for (int i = 0; i < c.outputs; ++i) graph.outputs.push_back({first.index + i});
  model.graphs.push_back(std::move(graph));
  ir::infer_shapes(model, model.graphs[0]);
  ir::verify(model);
  return model;
}

// All outputs of a model of positive inputs, one after another.
std::vector<float> outputs(const ir::Model& model) {
  runtime::Session session(model, {});
  const std::vector<float> x = tests::noise(static_cast<int64_t>(session.input().size()), 5);
  for (size_t i = 0; i < x.size(); ++i) session.input()[i] = x[i] * x[i] + 0.1F * x[i];
  session.run();
  std::vector<float> out;
  for (int i = 0; i < session.output_count(); ++i) {
    const auto bytes = session.output_bytes(i);
    std::vector<float> part(bytes.size() / sizeof(float));
    std::memcpy(part.data(), bytes.data(), bytes.size());
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

// A decomposition has at most eight roundings of 2^-24 of a value of the size of the result.
bool agree(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    if (!same && !(std::abs(a[i] - b[i]) <= 1e-6F * std::max(1.0F, std::abs(b[i])))) return false;
  }
  return true;
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const char* op :
       {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
        "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "ReduceSum"}) {
    out.push_back({.op = op, .constants = {integers({1, -1})}, .attributes = {}});
    out.push_back({.op = op, .constants = {}, .attributes = {{"keepdims", int64_t{0}}}});
    out.push_back(
        {.op = op, .constants = {}, .attributes = {{"noop_with_empty_axes", int64_t{1}}}});
  }
  out.push_back({.op = "Split",
                 .constants = {},
                 .attributes = {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}},
                 .outputs = 2});
  out.push_back({.op = "Split",
                 .constants = {integers({1, 3})},
                 .attributes = {{"axis", int64_t{1}}},
                 .outputs = 2});
  const std::vector<float> seven = {7};
  out.push_back({.op = "Pad",
                 .constants = {integers({1, 0, 2, 3}), Tensor::f32({}, seven), integers({-1, 1})},
                 .attributes = {}});
  out.push_back({.op = "AveragePool",
                 .constants = {},
                 .attributes = {{"kernel_shape", std::vector<int64_t>{2, 2}},
                                {"dilations", std::vector<int64_t>{1, 1}}}});
  out.push_back({.op = "AveragePool",
                 .constants = {},
                 .attributes = {{"kernel_shape", std::vector<int64_t>{2, 2}},
                                {"dilations", std::vector<int64_t>{2, 2}}},
                 .refused_below = 19});
  out.push_back({.op = "BatchNormalization",
                 .constants = {floats(1), floats(0), floats(-1), floats(2)},
                 .attributes = {}});
  out.push_back({.op = "Reshape",
                 .constants = {integers({0, -1})},
                 .attributes = {{"allowzero", int64_t{0}}}});
  out.push_back({.op = "HardSwish", .constants = {}, .attributes = {}});
  out.push_back({.op = "Mish", .constants = {}, .attributes = {}});
  out.push_back({.op = "Gelu", .constants = {}, .attributes = {}});
  out.push_back(
      {.op = "Gelu", .constants = {}, .attributes = {{"approximate", std::string("tanh")}}});
  out.push_back({.op = "Swish", .constants = {}, .attributes = {}});
  out.push_back({.op = "Swish", .constants = {}, .attributes = {{"alpha", 1.5}}});
  out.push_back({.op = "LayerNormalization",
                 .constants = {Tensor::f32({6}, std::vector<float>(6, 2))},
                 .attributes = {},
                 .refused_below = 17});
  out.push_back({.op = "Trilu", .constants = {}, .attributes = {}, .refused_below = 14});
  out.push_back({.op = "GroupNormalization",
                 .constants = {floats(1), floats(0)},
                 .attributes = {{"num_groups", int64_t{2}}},
                 .refused_below = 21});
  return out;
}

}  // namespace

TEST_CASE("what an older operator set has instead of an operator computes the same") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.onnx");
  for (const Case& c : cases()) {
    CAPTURE(c.op);
    CAPTURE(c.attributes.size());
    const ir::Model model = model_of(c);
    const std::vector<float> expected = outputs(model);
    for (const int opset : {13, 17, 21}) {
      CAPTURE(opset);
      if (opset < c.refused_below) {
        CHECK(refusal([&] { write(model, path, {.opset = opset}); }).find("operator set") !=
              std::string::npos);
        continue;
      }
      write(model, path, {.opset = opset});
      CHECK(agree(outputs(read(path)), expected));
    }
  }
}

}  // namespace pare::formats
