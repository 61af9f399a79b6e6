// SPDX-License-Identifier: Apache-2.0
// Graphs, models, verify and the JSON round trip.
#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/ir/serialize.hpp"
#include "tests/ir/models.hpp"

namespace pare::ir {
namespace {

using tests::decoder_step;
using tests::two_graphs;
using tests::zeros;

void check_round_trip(const Model& model) {
  for (const Graph& graph : model.graphs) {
    const std::string text = to_text(to_json(graph));
    const Graph back = graph_from_json(parse_json(text, "test"), "test");
    CHECK(to_text(to_json(back)) == text);
    CHECK(back.nodes().size() == graph.nodes().size());
    CHECK(back.values().size() == graph.values().size());
    CHECK(back.states.size() == graph.states.size());
  }
  const std::string text = to_text(to_json(model.metadata));
  CHECK(to_text(to_json(metadata_from_json(parse_json(text, "test"), "test"))) == text);
}

Model one_node(const std::string& op, const std::vector<Shape>& inputs,
               std::map<std::string, Attribute> attributes = {}) {
  Model model;
  Graph graph;
  std::vector<ValueId> ids;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ids.push_back(graph.add_input("x" + std::to_string(i), inputs[i]));
  }
  graph.outputs.push_back(graph.add(op, ids, std::move(attributes), "node"));
  model.graphs.push_back(graph);
  return model;
}

TEST_CASE("a model of two graphs survives the JSON round trip and verifies") {
  const Model model = two_graphs();
  CHECK_NOTHROW(verify(model));
  check_round_trip(model);
  CHECK_THROWS_AS(model.main(), Error);
}

TEST_CASE("a decoder step keeps its state pair, axis and capacity through JSON") {
  const Model model = decoder_step();
  CHECK_NOTHROW(verify(model));
  check_round_trip(model);
  const Graph back = graph_from_json(to_json(model.main()), "test");
  REQUIRE(back.states.size() == 1);
  CHECK(back.states[0].axis == 1);
  CHECK(back.states[0].capacity == 128);
  CHECK(back.value(back.states[0].output).shape[1] == Dim("past+1"));
}

TEST_CASE("activation quantization and every kind of attribute survive JSON exactly") {
  Model model = one_node("Relu", {Shape{Dim("batch"), Dim(4)}});
  Graph& graph = model.graphs[0];
  graph.value(graph.outputs[0]).quant = ActivationQuant{DType::kU8, 0.1F / 3.0F, 7};
  Node& node = graph.node({0});
  node.attributes = {{"a", int64_t{-3}},
                     {"b", 0.1},
                     {"c", std::string("SAME_UPPER")},
                     {"d", std::vector<int64_t>{1, INT64_MAX, INT64_MIN}},
                     {"e", std::vector<double>{1.0, -2.5e-300}},
                     {"f", std::vector<int64_t>{}}};
  const Graph back = graph_from_json(parse_json(to_text(to_json(graph)), "t"), "t");
  CHECK(back.node({0}).attributes == node.attributes);
  CHECK(back.value(back.outputs[0]).quant == graph.value(graph.outputs[0]).quant);
}

TEST_CASE("history keeps seeds of 64 bits") {
  Metadata metadata;
  metadata.history.push_back({"train", Json{{"epochs", 3}}, "0.1.0", UINT64_MAX, Json::object()});
  const Metadata back = metadata_from_json(parse_json(to_text(to_json(metadata)), "t"), "t");
  REQUIRE(back.history.size() == 1);
  CHECK(back.history[0].seed == UINT64_MAX);
}

TEST_CASE("graph JSON refuses what it does not understand, saying where") {
  const Json good = to_json(two_graphs().graphs[0]);
  const auto refused = [&](const auto& damage) {
    Json json = good;
    damage(json);
    CHECK_THROWS_AS(graph_from_json(json, "file.pare"), Error);
  };
  refused([](Json& j) { j.erase("nodes"); });
  refused([](Json& j) { j["extra"] = 1; });
  refused([](Json& j) { j["name"] = 3; });
  refused([](Json& j) { j["inputs"] = "x"; });
  refused([](Json& j) { j["inputs"][0] = 1.5; });
  refused([](Json& j) { j["inputs"][0] = uint64_t{1} << 63; });
  refused([](Json& j) { j["values"][0]["dtype"] = "f8"; });
  refused([](Json& j) { j["values"][0]["shape"][0] = -1; });
  refused([](Json& j) { j["nodes"][0]["attributes"]["axis"] = Json{{"int", 1}, {"float", 1.0}}; });
  refused([](Json& j) { j = Json::array(); });
  try {
    Json json = good;
    json["nodes"][0]["op"] = nullptr;
    graph_from_json(json, "file.pare");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(std::string(e.what()) == "file.pare: graph.nodes[0].op should be a text");
  }
}

TEST_CASE("verify names the node or value that is wrong") {
  const auto broken = [](const auto& damage) {
    Model model = two_graphs();
    damage(model.graphs[0], model);
    CHECK_THROWS_AS(verify(model), Error);
  };
  broken([](Graph& g, Model&) { g.node({0}).op = "Convolve"; });
  broken([](Graph& g, Model&) { g.node({0}).attributes["colour"] = int64_t{1}; });
  broken([](Graph& g, Model&) { g.node({0}).inputs[0] = {99}; });
  broken([](Graph& g, Model&) { g.node({0}).inputs[0] = {-2}; });
  broken([](Graph& g, Model&) { g.node({0}).inputs.pop_back(), g.node({0}).inputs.pop_back(); });
  broken([](Graph& g, Model&) { g.node({0}).inputs[0] = g.outputs[0]; });
  broken([](Graph& g, Model&) { g.node({0}).name = ""; });
  broken([](Graph& g, Model&) { g.node({1}).name = g.node({0}).name; });
  broken([](Graph& g, Model&) { g.value(g.outputs[0]).name = g.value(g.inputs[0]).name; });
  broken([](Graph& g, Model&) { g.value(g.outputs[0]).shape[1] = Dim(9); });
  broken([](Graph& g, Model&) { g.value(g.inputs[0]).shape[1] = Dim(int64_t{1} << 62); });
  broken([](Graph& g, Model&) { g.value(g.outputs[0]).quant = ActivationQuant{DType::kU8, 0, 0}; });
  broken([](Graph& g, Model&) {
    g.value(g.outputs[0]).quant = ActivationQuant{DType::kU8, 1, 256};
  });
  broken([](Graph& g, Model&) { g.value(g.outputs[0]).quant = ActivationQuant{DType::kI4, 1, 0}; });
  broken([](Graph& g, Model&) { g.outputs.clear(); });
  broken([](Graph& g, Model&) { g.inputs.push_back(g.inputs[0]); });
  broken([](Graph&, Model& m) { m.parameters.erase("w"); });
  broken([](Graph&, Model& m) { m.parameters.set("w", zeros({4, 5})); });
  broken([](Graph&, Model& m) { m.graphs[1].name = m.graphs[0].name; });
  broken([](Graph&, Model& m) { m.metadata.preprocessing.std = {0.0F}; });
}

TEST_CASE("verify refuses states that do not fit") {
  const auto broken = [](const auto& damage) {
    Model model = decoder_step();
    damage(model.graphs[0].states[0], model.graphs[0]);
    CHECK_THROWS_AS(verify(model), Error);
  };
  broken([](StatePair& s, Graph&) { s.capacity = 0; });
  broken([](StatePair& s, Graph&) { s.axis = 5; });
  broken([](StatePair& s, Graph&) { s.axis = -1; });
  broken([](StatePair& s, Graph&) { s.input = s.output; });
  broken([](StatePair& s, Graph& g) { g.states.push_back(s); });
}

TEST_CASE("rebuild drops nodes and unused values and renumbers the rest") {
  Model model = two_graphs();
  Graph& graph = model.graphs[0];
  std::vector<Node> nodes = graph.nodes();
  const ValueId before_last = nodes.back().inputs[0];
  const std::string kept_name = graph.value(before_last).name;
  nodes.pop_back();
  graph.outputs = {before_last};
  const size_t values = graph.values().size();
  graph.rebuild(std::move(nodes));
  CHECK(graph.values().size() == values - 1);
  CHECK(graph.value(graph.outputs[0]).name == kept_name);
  CHECK(graph.producer(graph.outputs[0]).valid());
  CHECK_NOTHROW(verify(model));
}

TEST_CASE("parameters keep their order when replaced and when others are erased") {
  ParameterTable table;
  for (const char* name : {"c", "a", "b"}) table.set(name, zeros({1}));
  table.set("a", zeros({2}));
  table.erase("c");
  REQUIRE(table.entries().size() == 2);
  CHECK(table.entries()[0].name == "a");
  CHECK(table.at("a").count() == 2);
  CHECK(table.at("b").count() == 1);
  CHECK(!table.contains("c"));
  CHECK_THROWS_AS(table.at("c"), Bug);
}

}  // namespace
}  // namespace pare::ir
