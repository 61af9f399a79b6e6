// SPDX-License-Identifier: Apache-2.0
// Reading is strict: unknown keys are refused as well, because a file that says something this
// version does not understand must not be half understood.
#include "lib/ir/serialize.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>

#include "lib/core/error.hpp"

namespace pare::ir {

namespace {

// One object of the file and where it is, for messages such as "nodes[3].op is missing".
class Field {
 public:
  Field(const Json& json, std::string_view subject, std::string where = {})
      : json_(json), subject_(subject), where_(std::move(where)) {}

  [[noreturn]] void fail(const std::string& fact) const {
    throw Error(subject_, (where_.empty() ? "metadata" : where_) + " " + fact);
  }
  void allow(std::initializer_list<std::string_view> keys) const {
    if (!json_.is_object()) fail("should be an object");
    for (const auto& [key, ignored] : json_.items()) {
      bool known = false;
      for (const std::string_view k : keys) known = known || k == key;
      if (!known) fail("has an unknown key " + key);
    }
  }
  bool has(const char* key) const { return json_.contains(key); }
  Field at(const char* key) const {
    const auto it = json_.find(key);
    if (it == json_.end()) fail("has no " + std::string(key));
    return {*it, subject_, where_.empty() ? key : where_ + "." + key};
  }
  const Json& raw() const { return json_; }

  std::string text() const {
    if (!json_.is_string()) fail("should be a text");
    return json_.get<std::string>();
  }
  bool flag() const {
    if (!json_.is_boolean()) fail("should be true or false");
    return json_.get<bool>();
  }
  int64_t integer(int64_t low = std::numeric_limits<int64_t>::min(),
                  int64_t high = std::numeric_limits<int64_t>::max()) const {
    if (!json_.is_number_integer()) fail("should be an integer");
    const bool large = json_.is_number_unsigned() && json_.get<uint64_t>() > INT64_MAX;
    const int64_t value = large ? 0 : json_.get<int64_t>();
    if (large || value < low || value > high) fail("is out of range");
    return value;
  }
  double number() const {
    if (!json_.is_number()) fail("should be a number");
    return json_.get<double>();
  }
  float real() const { return static_cast<float>(number()); }
  DType dtype() const {
    const auto found = dtype_from_name(text());
    if (!found) fail("is an unknown dtype");
    return *found;
  }
  template <class Read>
  void each(const Read& read) const {
    if (!json_.is_array()) fail("should be a list");
    for (size_t i = 0; i < json_.size(); ++i) {
      read(Field(json_[i], subject_, where_ + "[" + std::to_string(i) + "]"));
    }
  }
  Dims dims() const {
    Dims out;
    each([&](const Field& f) { out.push_back(f.integer()); });
    return out;
  }
  std::vector<float> reals() const {
    std::vector<float> out;
    each([&](const Field& f) { out.push_back(f.real()); });
    return out;
  }
  int small() const { return static_cast<int>(integer(INT32_MIN, INT32_MAX)); }
  std::string_view subject() const { return subject_; }

 private:
  const Json& json_;
  std::string_view subject_;
  std::string where_;
};

Json shape_json(const Shape& shape) {
  Json out = Json::array();
  for (const Dim& dim : shape) {
    if (dim.known()) {
      out.push_back(dim.size);
    } else {
      out.push_back(dim.symbol);
    }
  }
  return out;
}

Shape shape_from(const Field& field) {
  Shape shape;
  field.each([&](const Field& f) {
    shape.push_back(f.raw().is_string() ? Dim(f.text()) : Dim(f.integer(0)));
  });
  return shape;
}

Json value_json(const Value& value) {
  Json out{
      {"name", value.name}, {"dtype", name_of(value.dtype)}, {"shape", shape_json(value.shape)}};
  if (!value.parameter.empty()) out["parameter"] = value.parameter;
  if (value.quant) {
    out["quant"] = {{"code", name_of(value.quant->code)},
                    {"scale", value.quant->scale},
                    {"zero_point", value.quant->zero_point}};
  }
  return out;
}

Value value_from(const Field& field) {
  field.allow({"name", "dtype", "shape", "parameter", "quant"});
  Value value;
  value.name = field.at("name").text();
  value.dtype = field.at("dtype").dtype();
  value.shape = shape_from(field.at("shape"));
  if (field.has("parameter")) value.parameter = field.at("parameter").text();
  if (field.has("quant")) {
    const Field quant = field.at("quant");
    quant.allow({"code", "scale", "zero_point"});
    value.quant = ActivationQuant{.code = quant.at("code").dtype(),
                                  .scale = quant.at("scale").real(),
                                  .zero_point = quant.at("zero_point").small()};
  }
  return value;
}

Json ids_json(const std::vector<ValueId>& ids) {
  Json out = Json::array();
  for (const ValueId id : ids) out.push_back(id.index);
  return out;
}

std::vector<ValueId> ids_from(const Field& field) {
  std::vector<ValueId> ids;
  field.each(
      [&](const Field& f) { ids.push_back({static_cast<int32_t>(f.integer(-1, INT32_MAX))}); });
  return ids;
}

// The type is written beside the value: in JSON 1 and 1.0, [] and [] cannot be told apart.
Json attribute_json(const Attribute& attribute) {
  static constexpr const char* kTypes[] = {"int", "float", "string", "ints", "floats"};
  const char* type = kTypes[attribute.index()];
  return std::visit([&](const auto& value) { return Json{{type, value}}; }, attribute);
}

Attribute attribute_from(const Field& field) {
  field.allow({"int", "float", "string", "ints", "floats"});
  if (field.raw().size() != 1) field.fail("should hold one value");
  if (field.has("int")) return field.at("int").integer();
  if (field.has("float")) return field.at("float").number();
  if (field.has("string")) return field.at("string").text();
  if (field.has("ints")) return field.at("ints").dims();
  std::vector<double> floats;
  field.at("floats").each([&](const Field& f) { floats.push_back(f.number()); });
  return floats;
}

Json node_json(const Node& node) {
  Json out{{"op", node.op},
           {"name", node.name},
           {"inputs", ids_json(node.inputs)},
           {"outputs", ids_json(node.outputs)}};
  for (const auto& [key, value] : node.attributes) out["attributes"][key] = attribute_json(value);
  return out;
}

Node node_from(const Field& field) {
  field.allow({"op", "name", "inputs", "outputs", "attributes"});
  Node node;
  node.op = field.at("op").text();
  node.name = field.at("name").text();
  node.inputs = ids_from(field.at("inputs"));
  node.outputs = ids_from(field.at("outputs"));
  if (field.has("attributes")) {
    const Field attributes = field.at("attributes");
    if (!attributes.raw().is_object()) attributes.fail("should be an object");
    for (const auto& [key, ignored] : attributes.raw().items()) {
      node.attributes[key] = attribute_from(attributes.at(key.c_str()));
    }
  }
  return node;
}

Json state_json(const StatePair& state) {
  return {{"input", state.input.index},
          {"output", state.output.index},
          {"axis", state.axis},
          {"capacity", state.capacity}};
}

StatePair state_from(const Field& field) {
  field.allow({"input", "output", "axis", "capacity"});
  return {.input = {field.at("input").small()},
          .output = {field.at("output").small()},
          .axis = field.at("axis").small(),
          .capacity = field.at("capacity").integer(0)};
}

Json preprocessing_json(const Preprocessing& p) {
  return {{"stated", p.stated}, {"input_scale", p.input_scale}, {"mean", p.mean},
          {"std", p.std},       {"layout", p.layout},           {"size", p.size}};
}

Preprocessing preprocessing_from(const Field& field) {
  field.allow({"stated", "input_scale", "mean", "std", "layout", "size"});
  return {.stated = field.at("stated").flag(),
          .input_scale = field.at("input_scale").real(),
          .mean = field.at("mean").reals(),
          .std = field.at("std").reals(),
          .layout = field.at("layout").text(),
          .size = field.at("size").dims()};
}

Json history_json(const HistoryEntry& entry) {
  return {{"pass", entry.pass},
          {"options", entry.options},
          {"tool_version", entry.tool_version},
          {"seed", entry.seed},
          {"inputs", entry.inputs}};
}

HistoryEntry history_from(const Field& field) {
  field.allow({"pass", "options", "tool_version", "seed", "inputs"});
  const Field seed = field.at("seed");
  // Parsed text has non-negative integers as unsigned; a seed may be any of 64 bits.
  if (!seed.raw().is_number_integer() || (!seed.raw().is_number_unsigned() && seed.integer() < 0)) {
    seed.fail("should be a non-negative integer");
  }
  return {.pass = field.at("pass").text(),
          .options = field.at("options").raw(),
          .tool_version = field.at("tool_version").text(),
          .seed = seed.raw().get<uint64_t>(),
          .inputs = field.at("inputs").raw()};
}

template <class Items, class Convert>
Json list_json(const Items& items, Convert convert) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back(convert(item));
  return out;
}

constexpr const char* kSparseKinds[] = {"dense", "bitmask", "n_of_m", "block"};

}  // namespace

Json to_json(const Graph& graph) {
  Json out{{"name", graph.name},
           {"values", list_json(graph.values(), value_json)},
           {"nodes", list_json(graph.nodes(), node_json)},
           {"inputs", ids_json(graph.inputs)},
           {"outputs", ids_json(graph.outputs)}};
  if (!graph.states.empty()) out["states"] = list_json(graph.states, state_json);
  return out;
}

Graph graph_from_json(const Json& json, std::string_view subject) {
  const Field field(json, subject, "graph");
  field.allow({"name", "values", "nodes", "inputs", "outputs", "states"});
  Graph graph;
  graph.name = field.at("name").text();
  field.at("values").each([&](const Field& f) { graph.add_value(value_from(f)); });
  field.at("nodes").each([&](const Field& f) { graph.add_node(node_from(f)); });
  graph.inputs = ids_from(field.at("inputs"));
  graph.outputs = ids_from(field.at("outputs"));
  if (field.has("states")) {
    field.at("states").each([&](const Field& f) { graph.states.push_back(state_from(f)); });
  }
  return graph;
}

Json to_json(const Metadata& metadata) {
  return {{"task", metadata.task},
          {"labels", metadata.labels},
          {"preprocessing", preprocessing_json(metadata.preprocessing)},
          {"source", metadata.source},
          {"history", list_json(metadata.history, history_json)}};
}

Metadata metadata_from_json(const Json& json, std::string_view subject) {
  const Field field(json, subject);
  field.allow({"task", "labels", "preprocessing", "source", "history"});
  Metadata metadata;
  metadata.task = field.at("task").text();
  field.at("labels").each([&](const Field& f) { metadata.labels.push_back(f.text()); });
  metadata.preprocessing = preprocessing_from(field.at("preprocessing"));
  metadata.source = field.at("source").raw();
  field.at("history").each([&](const Field& f) { metadata.history.push_back(history_from(f)); });
  return metadata;
}

Json to_json(const QuantScheme& scheme) {
  return {{"code", name_of(scheme.code)},    {"scale", name_of(scheme.scale)},
          {"symmetric", scheme.symmetric},   {"axis", scheme.axis},
          {"group_size", scheme.group_size}, {"super_group", scheme.super_group},
          {"codebook", scheme.codebook}};
}

QuantScheme scheme_from_json(const Json& json, std::string_view subject) {
  const Field field(json, subject, "scheme");
  field.allow({"code", "scale", "symmetric", "axis", "group_size", "super_group", "codebook"});
  return {.code = field.at("code").dtype(),
          .scale = field.at("scale").dtype(),
          .symmetric = field.at("symmetric").flag(),
          .axis = field.at("axis").small(),
          .group_size = field.at("group_size").integer(0),
          .super_group = field.at("super_group").integer(0),
          .codebook = field.at("codebook").flag()};
}

Json to_json(const SparseLayout& layout) {
  Json out{{"kind", kSparseKinds[static_cast<size_t>(layout.kind)]}};
  if (layout.kind == SparseKind::kNOfM) out.update({{"n", layout.n}, {"m", layout.m}});
  if (layout.kind == SparseKind::kBlock) out["block"] = layout.block;
  return out;
}

SparseLayout layout_from_json(const Json& json, std::string_view subject) {
  const Field field(json, subject, "layout");
  field.allow({"kind", "n", "m", "block"});
  const std::string kind = field.at("kind").text();
  SparseLayout layout;
  bool known = false;
  for (size_t i = 0; i < std::size(kSparseKinds); ++i) {
    if (kind != kSparseKinds[i]) continue;
    layout.kind = static_cast<SparseKind>(i);
    known = true;
  }
  if (!known) field.fail("has an unknown kind " + kind);
  if (layout.kind == SparseKind::kNOfM) {
    layout.n = field.at("n").small();
    layout.m = field.at("m").small();
  }
  if (layout.kind == SparseKind::kBlock) layout.block = field.at("block").small();
  return layout;
}

}  // namespace pare::ir
