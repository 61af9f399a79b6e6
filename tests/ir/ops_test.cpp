// SPDX-License-Identifier: Apache-2.0
// Shape inference against shapes worked out from the ONNX operator specification, and the dimension
// maps against shape inference.
#include "lib/ir/ops.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/dimension_map.hpp"
#include "lib/ir/geometry.hpp"
#include "tests/ir/models.hpp"

namespace pare::ir {
namespace {

using Attributes = std::map<std::string, Attribute>;
using Ints = std::vector<int64_t>;

// A node to be: f32 inputs of given shapes, then constant i64 operands.
struct Case {
  std::string op;
  std::vector<Shape> inputs;
  Attributes attributes = {};
  std::vector<Ints> operands = {};
};

Model model_of(const Case& c) {
  Model model;
  Graph graph;
  std::vector<ValueId> ids;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    ids.push_back(graph.add_input("x" + std::to_string(i), c.inputs[i]));
  }
  for (size_t i = 0; i < c.operands.size(); ++i) {
    const std::string name = "operand" + std::to_string(i);
    const Dims dims{static_cast<int64_t>(c.operands[i].size())};
    model.parameters.set(name, Tensor::i64(dims, c.operands[i]));
    ids.push_back(graph.add_parameter(name, DType::kI64, dims));
  }
  graph.outputs = {graph.add(c.op, ids, c.attributes, "node")};
  infer_shapes(model, graph);
  model.graphs.push_back(std::move(graph));
  verify(model);
  return model;
}

Shape shape_for(const Case& c) {
  const Model model = model_of(c);
  return model.main().value(model.main().outputs[0]).shape;
}

Shape known(const Dims& dims) { return shape_of(dims); }
const Dim kBatch("batch");

TEST_CASE("Conv follows strides, pads, dilations, groups and auto_pad") {
  const Shape x{kBatch, Dim(4), Dim(9), Dim(10)};
  CHECK(shape_for({"Conv", {x, known({6, 4, 3, 3})}}) == Shape{kBatch, Dim(6), Dim(7), Dim(8)});
  CHECK(shape_for({"Conv",
                   {x, known({6, 2, 3, 3})},
                   {{"group", int64_t{2}}, {"pads", Ints{1, 0, 2, 0}}, {"strides", Ints{2, 3}}}}) ==
        Shape{kBatch, Dim(6), Dim(5), Dim(3)});
  CHECK(
      shape_for(
          {"Conv", {x, known({4, 1, 3, 3})}, {{"group", int64_t{4}}, {"dilations", Ints{2, 4}}}}) ==
      Shape{kBatch, Dim(4), Dim(5), Dim(2)});
  for (const char* same : {"SAME_UPPER", "SAME_LOWER"}) {
    CHECK(shape_for({"Conv",
                     {x, known({6, 4, 4, 4})},
                     {{"auto_pad", std::string(same)}, {"strides", Ints{2, 2}}}}) ==
          Shape{kBatch, Dim(6), Dim(5), Dim(5)});
  }
  CHECK(shape_for({"Conv", {known({1, 2, 8}), known({3, 2, 3}), known({3})}}) == known({1, 3, 6}));
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 3, 3, 3})}}), Error);
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 4, 10, 3})}}), Error);
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 4, 3, 3}), known({5})}}), Error);
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 4, 3, 3})}, {{"strides", Ints{0, 1}}}}), Error);
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 4, 3, 3})}, {{"strides", Ints{1}}}}), Error);
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 4, 3, 3})}, {{"pads", Ints{-1, 0, 0, 0}}}}),
                  Error);
  CHECK_THROWS_AS(
      shape_for({"Conv", {x, known({6, 4, 3, 3})}, {{"dilations", Ints{INT64_MAX, 1}}}}), Error);
  CHECK_THROWS_AS(shape_for({"Conv", {x, known({6, 4, 3, 3})}, {{"kernel_shape", Ints{3, 5}}}}),
                  Error);
}

TEST_CASE("auto_pad puts the odd pixel last for SAME_UPPER and first for SAME_LOWER") {
  Node node{.op = "Conv", .name = "c", .attributes = {{"auto_pad", std::string("SAME_UPPER")}}};
  Window w = window_of(node, {6}, {4});
  CHECK(w.pads_begin == Dims{1});
  CHECK(w.pads_end == Dims{2});
  node.attributes["auto_pad"] = std::string("SAME_LOWER");
  w = window_of(node, {6}, {4});
  CHECK(w.pads_begin == Dims{2});
  CHECK(w.pads_end == Dims{1});
}

TEST_CASE("pools round down, or up with ceil_mode, but never start in the padding behind") {
  const Shape x = known({1, 3, 7, 7});
  const Attributes two{{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}};
  Attributes up = two;
  up["ceil_mode"] = int64_t{1};
  CHECK(shape_for({"MaxPool", {x}, two}) == known({1, 3, 3, 3}));
  CHECK(shape_for({"MaxPool", {x}, up}) == known({1, 3, 4, 4}));
  up["pads"] = Ints{0, 0, 1, 1};
  up["strides"] = Ints{3, 3};  // room (7 + 1 - 2) / 3 = 2 exactly
  CHECK(shape_for({"AveragePool", {x}, up}) == known({1, 3, 3, 3}));
  up["pads"] = Ints{1, 1, 1, 1};
  up["kernel_shape"] = Ints{2, 2};
  up["strides"] = Ints{4, 4};  // the third window would start at 8, in the padding: dropped
  CHECK(shape_for({"AveragePool", {x}, up}) == known({1, 3, 2, 2}));
  CHECK(shape_for({"GlobalAveragePool", {x}}) == known({1, 3, 1, 1}));
  CHECK_THROWS_AS(shape_for({"MaxPool", {x}}), Error);
}

TEST_CASE("Gemm and MatMul multiply what fits and refuse what does not") {
  const Shape x{kBatch, Dim(5)};
  CHECK(shape_for({"Gemm", {x, known({5, 3})}}) == Shape{kBatch, Dim(3)});
  CHECK(shape_for({"Gemm", {x, known({3, 5}), known({3})}, {{"transB", int64_t{1}}}}) ==
        Shape{kBatch, Dim(3)});
  CHECK(shape_for(
            {"Gemm", {known({5, 2}), known({5, 3}), known({2, 1})}, {{"transA", int64_t{1}}}}) ==
        known({2, 3}));
  CHECK_THROWS_AS(shape_for({"Gemm", {x, known({4, 3})}}), Error);
  CHECK_THROWS_AS(shape_for({"Gemm", {x, known({5, 3}), known({4})}}), Error);
  CHECK(shape_for({"MatMul", {known({2, 1, 3, 4}), known({7, 4, 5})}}) == known({2, 7, 3, 5}));
  CHECK(shape_for({"MatMul", {known({4}), known({4})}}) == Shape{});
  CHECK(shape_for({"MatMul", {known({4}), known({2, 4, 5})}}) == known({2, 5}));
  CHECK(shape_for({"MatMul", {known({2, 3, 4}), known({4})}}) == known({2, 3}));
  CHECK_THROWS_AS(shape_for({"MatMul", {known({3, 4}), known({3, 4})}}), Error);
}

TEST_CASE("arithmetic broadcasts, symbols with themselves and with 1") {
  CHECK(shape_for({"Add", {{kBatch, Dim(3), Dim(1)}, known({3, 4})}}) ==
        Shape{kBatch, Dim(3), Dim(4)});
  CHECK(shape_for({"Mul", {{kBatch, Dim(3)}, {}}}) == Shape{kBatch, Dim(3)});
  CHECK(shape_for({"Sub", {{kBatch, Dim(3)}, {kBatch, Dim(1)}}}) == Shape{kBatch, Dim(3)});
  CHECK_THROWS_AS(shape_for({"Div", {{kBatch, Dim(3)}, known({2, 3})}}), Error);
  CHECK_THROWS_AS(shape_for({"Add", {known({3}), known({4})}}), Error);
}

TEST_CASE("Reshape copies, infers and keeps a symbolic batch") {
  const Shape x{kBatch, Dim(8), Dim(3)};
  CHECK(shape_for({"Reshape", {x}, {}, {{0, -1}}}) == Shape{kBatch, Dim(24)});
  CHECK(shape_for({"Reshape", {x}, {}, {{-1, 24}}}) == Shape{kBatch, Dim(24)});
  CHECK(shape_for({"Reshape", {x}, {}, {{0, 2, -1, 3}}}) == Shape{kBatch, Dim(2), Dim(4), Dim(3)});
  CHECK(shape_for({"Reshape", {known({2, 0, 3})}, {{"allowzero", int64_t{1}}}, {{0, 7}}}) ==
        known({0, 7}));
  CHECK_THROWS_AS(shape_for({"Reshape", {x}, {}, {{0, -1, -1}}}), Error);
  CHECK_THROWS_AS(shape_for({"Reshape", {x}, {}, {{0, 25}}}), Error);
  CHECK_THROWS_AS(shape_for({"Reshape", {x}, {}, {{-1, 25}}}), Error);
  CHECK_THROWS_AS(shape_for({"Reshape", {x}, {}, {{0, 8, 3, 0}}}), Error);
  CHECK_THROWS_AS(shape_for({"Reshape", {x}, {}, {{0, INT64_MAX, INT64_MAX, -1}}}), Error);
}

TEST_CASE("layout operators move dimensions as the specification says") {
  const Shape x{kBatch, Dim(2), Dim(1), Dim(5)};
  CHECK(shape_for({"Flatten", {x}}) == Shape{kBatch, Dim(10)});
  CHECK(shape_for({"Flatten", {known({2, 3, 4})}, {{"axis", int64_t{0}}}}) == known({1, 24}));
  CHECK(shape_for({"Flatten", {known({2, 3, 4})}, {{"axis", int64_t{3}}}}) == known({24, 1}));
  CHECK(shape_for({"Flatten", {known({2, 3, 4})}, {{"axis", int64_t{-1}}}}) == known({6, 4}));
  CHECK_THROWS_AS(shape_for({"Flatten", {x}, {{"axis", int64_t{2}}}}), Error);
  CHECK(shape_for({"Transpose", {x}}) == Shape{Dim(5), Dim(1), Dim(2), kBatch});
  CHECK(shape_for({"Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}}}) ==
        Shape{kBatch, Dim(1), Dim(5), Dim(2)});
  CHECK_THROWS_AS(shape_for({"Transpose", {x}, {{"perm", Ints{0, 2, 2, 1}}}}), Error);
  CHECK(shape_for({"Concat", {known({2, 3}), known({2, 4})}, {{"axis", int64_t{-1}}}}) ==
        known({2, 7}));
  CHECK_THROWS_AS(shape_for({"Concat", {known({2, 3}), known({3, 4})}, {{"axis", int64_t{1}}}}),
                  Error);
  CHECK_THROWS_AS(shape_for({"Concat", {known({2, 3})}}), Error);
  CHECK(shape_for({"Squeeze", {x}, {}, {{-2}}}) == Shape{kBatch, Dim(2), Dim(5)});
  CHECK(shape_for({"Squeeze", {known({1, 2, 1})}}) == known({2}));
  CHECK_THROWS_AS(shape_for({"Squeeze", {x}, {}, {{1}}}), Error);
  CHECK(shape_for({"Unsqueeze", {known({3, 4})}, {}, {{-1, 0}}}) == known({1, 3, 4, 1}));
  CHECK_THROWS_AS(shape_for({"Unsqueeze", {known({3, 4})}, {}, {{0, -4}}}), Error);
}

TEST_CASE("slices, pads, gathers and means give the sizes NumPy gives") {
  const Shape x = known({10, 6});
  CHECK(shape_for({"Slice", {x}, {}, {{2}, {INT64_MAX}}}) == known({8, 6}));
  CHECK(shape_for({"Slice", {x}, {}, {{-3, 0}, {-1, 5}, {0, 1}, {1, 2}}}) == known({2, 3}));
  CHECK(shape_for({"Slice", {x}, {}, {{-1}, {INT64_MIN}, {0}, {-3}}}) == known({4, 6}));
  CHECK(shape_for({"Slice", {x}, {}, {{5}, {2}}}) == known({0, 6}));
  CHECK(shape_for({"Slice", {{kBatch, Dim(6)}}, {}, {{0, 1}, {INT64_MAX, 3}}}) ==
        Shape{kBatch, Dim(2)});
  CHECK_THROWS_AS(shape_for({"Slice", {x}, {}, {{0}, {5}, {0}, {0}}}), Error);
  CHECK_THROWS_AS(shape_for({"Slice", {x}, {}, {{0}, {5}, {2}}}), Error);
  CHECK(shape_for({"Pad", {x}, {}, {{1, 2, 3, -1}}}) == known({14, 7}));
  CHECK(shape_for({"Pad", {{kBatch, Dim(6)}}, {}, {{0, 2, 0, 0}}}) == Shape{kBatch, Dim(8)});
  CHECK_THROWS_AS(shape_for({"Pad", {x}, {}, {{1, 2, 3}}}), Error);
  CHECK_THROWS_AS(shape_for({"Pad", {x}, {}, {{-20, 0, 0, 0}}}), Error);
  CHECK_THROWS_AS(shape_for({"Pad", {x}, {{"mode", std::string("mirror")}}, {{0, 0, 0, 0}}}),
                  Error);
  CHECK(shape_for({"Gather", {known({7, 4})}, {{"axis", int64_t{1}}}, {{0, 3, 3}}}) ==
        known({7, 3}));
  CHECK(shape_for({"ReduceMean", {known({2, 3, 4})}, {}, {{-1, 0}}}) == known({1, 3, 1}));
  CHECK(shape_for({"ReduceMean", {known({2, 3, 4})}, {{"keepdims", int64_t{0}}}}) == Shape{});
  CHECK(shape_for({"ReduceMean", {known({2, 3})}, {{"noop_with_empty_axes", int64_t{1}}}}) ==
        known({2, 3}));
  CHECK_THROWS_AS(shape_for({"ReduceMean", {known({2, 3})}, {}, {{0, -2}}}), Error);
  CHECK_THROWS_AS(shape_for({"Softmax", {x}, {{"axis", int64_t{2}}}}), Error);
}

TEST_CASE("a Constant node gives the operand of a shape rule") {
  Model model;
  Graph graph;
  const ValueId x = graph.add_input("x", {kBatch, Dim(6)});
  const ValueId target = graph.add("Constant", {}, {{"value_ints", Ints{0, 2, 3}}}, "target");
  graph.outputs = {graph.add("Reshape", {x, target}, {}, "reshape")};
  infer_shapes(model, graph);
  CHECK(graph.value(target).dtype == DType::kI64);
  CHECK(graph.value(graph.outputs[0]).shape == Shape{kBatch, Dim(2), Dim(3)});
  CHECK_THROWS_AS(shape_for({"Reshape", {known({6}), known({2})}}), Error);  // not constant
}

TEST_CASE("the weight's output axis follows transB") {
  Node gemm{.op = "Gemm", .name = "g"};
  CHECK(weight_output_axis(gemm, 2) == 1);
  gemm.attributes["transB"] = int64_t{1};
  CHECK(weight_output_axis(gemm, 2) == 0);
  CHECK(weight_output_axis({.op = "MatMul"}, 3) == 2);
  CHECK(weight_output_axis({.op = "Relu"}, 2) == -1);
}

const std::vector<Case>& map_cases() {
  static const std::vector<Case> cases{
      {"Conv", {known({2, 4, 9, 9}), known({6, 4, 3, 3}), known({6})}},
      {"Conv", {known({2, 4, 9, 9}), known({4, 1, 3, 3}), known({4})}, {{"group", int64_t{4}}}},
      {"Conv", {known({2, 4, 9, 9}), known({6, 2, 3, 3}), known({6})}, {{"group", int64_t{2}}}},
      {"Gemm", {known({2, 5}), known({5, 3}), known({3})}},
      {"Gemm",
       {known({5, 2}), known({3, 5}), known({2, 3})},
       {{"transA", int64_t{1}}, {"transB", int64_t{1}}}},
      {"Gemm", {known({2, 5}), known({5, 3}), known({2, 1})}},
      {"MatMul", {known({2, 7, 3, 4}), known({7, 4, 5})}},
      {"MatMul", {known({4}), known({2, 4, 5})}},
      {"MatMul", {known({2, 3, 4}), known({4})}},
      {"MatMul", {known({4}), known({4})}},
      {"Add", {known({2, 3, 5}), known({3, 1})}},
      {"Relu", {known({2, 3})}},
      {"Clip", {known({2, 3}), {}, {}}},
      {"BatchNormalization", {known({2, 3, 5}), known({3}), known({3}), known({3}), known({3})}},
      {"MaxPool", {known({2, 3, 8, 8})}, {{"kernel_shape", Ints{2, 2}}}},
      {"GlobalAveragePool", {known({2, 3, 8, 8})}},
      {"Softmax", {known({2, 3})}},
      {"ReduceMean", {known({2, 3, 4})}, {}, {{1}}},
      {"ReduceMean", {known({2, 3, 4})}, {{"keepdims", int64_t{0}}}, {{0, 2}}},
      {"Flatten", {known({2, 3, 4})}},
      {"Flatten", {known({2, 3, 4})}, {{"axis", int64_t{2}}}},
      {"Reshape", {known({2, 6})}, {}, {{-1, 3}}},
      {"Transpose", {known({2, 3, 4})}, {{"perm", Ints{1, 2, 0}}}},
      {"Transpose", {known({2, 3, 4})}},
      {"Concat", {known({2, 3, 4}), known({2, 5, 4})}, {{"axis", int64_t{1}}}},
      {"Slice", {known({2, 6, 4})}, {}, {{1}, {3}, {1}}},
      {"Pad", {known({2, 6})}, {}, {{0, 1, 0, 1}}},
      {"Squeeze", {known({2, 1, 4})}},
      {"Unsqueeze", {known({2, 4})}, {}, {{1}}},
      {"Gather", {known({2, 6, 4})}, {{"axis", int64_t{1}}}, {{0, 1, 2}}},
      {"Identity", {known({2, 6})}},
  };
  return cases;
}

// Grows every input dimension that carries `label` by one.
Case grown(const Case& c, const DimensionMap& map, int label) {
  Case out = c;
  for (size_t i = 0; i < out.inputs.size(); ++i) {
    for (size_t a = 0; a < out.inputs[i].size(); ++a) {
      if (map.inputs[i][a] == label) out.inputs[i][a].size += 1;
    }
  }
  return out;
}

TEST_CASE("growing a followed dimension grows exactly the output dimension the map names") {
  for (const Case& c : map_cases()) {
    CAPTURE(c.op);
    const Model model = model_of(c);
    const Graph& graph = model.main();
    const DimensionMap map = dimension_map(model, graph, graph.node({0}));
    const Shape before = graph.value(graph.outputs[0]).shape;
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      REQUIRE(map.inputs[i].size() == c.inputs[i].size());
      for (size_t a = 0; a < c.inputs[i].size(); ++a) {
        const auto axis = map.output_axis(static_cast<int>(i), static_cast<int>(a));
        if (!axis) continue;
        CHECK(before[static_cast<size_t>(*axis)] == c.inputs[i][a]);
        const bool depthwise = c.op == "Conv" && *axis == 1 && c.attributes.contains("group");
        if (depthwise) continue;  // the group attribute would have to grow along
        Shape expected = before;
        expected[static_cast<size_t>(*axis)].size += 1;
        CHECK(shape_for(grown(c, map, map.inputs[i][a])) == expected);
      }
    }
  }
}

TEST_CASE("channels follow weights through convolutions, and inputs through depthwise ones") {
  const auto followed = [](const Case& c, int input, int axis) {
    const Model model = model_of(c);
    return dimension_map(model, model.main(), model.main().node({0})).output_axis(input, axis);
  };
  CHECK(followed(map_cases()[0], 1, 0) == 1);
  CHECK(followed(map_cases()[0], 2, 0) == 1);
  CHECK(!followed(map_cases()[0], 0, 1));
  CHECK(followed(map_cases()[1], 0, 1) == 1);
  CHECK(!followed(map_cases()[2], 0, 1));
  CHECK(!followed(map_cases()[0], 0, 2));
}

TEST_CASE("every operator row is whole, has a name of its own, and sorted attributes") {
  std::vector<std::string_view> names;
  for (const OpRow& row : all_ops()) {
    names.push_back(row.name);
    CHECK((row.infer != nullptr));
    CHECK(row.min_outputs == 1);
    CHECK((row.max_outputs < 0 || row.min_outputs <= row.max_outputs));
    CHECK((row.max_inputs < 0 || row.min_inputs <= row.max_inputs));
    CHECK(std::ranges::is_sorted(row.attributes));
  }
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
  CHECK(find_op("Convolve") == nullptr);
}

}  // namespace
}  // namespace pare::ir
