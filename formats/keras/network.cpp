// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/network.hpp"

#include <algorithm>
#include <map>
#include <queue>

#include "lib/core/error.hpp"

namespace pare::formats::keras {

namespace {

class Parser {
 public:
  explicit Parser(const std::string& path) : path_(path) {}

  Network parse(const Json& model) {
    network_.class_name = text(member(model, "class_name"));
    if (!is_network(network_.class_name)) {
      fail("the model is of class " + escaped(network_.class_name, 80) +
           "; Sequential, Model and Functional are read");
    }
    const Json& config = member(model, "config");
    // Keras up to 2.2.2 describes a Sequential by the list of its layers alone.
    const Json& layers = config.is_array() ? config : member(config, "layers");
    if (!layers.is_array() || layers.empty()) fail("the description has no layers");
    if (config.is_object() && config.contains("name")) network_.name = text(config.at("name"));
    if (network_.class_name == "Sequential") {
      chain(layers);
    } else {
      connect(config, layers);
    }
    sort_calls();
    return std::move(network_);
  }

 private:
  [[noreturn]] void fail(const std::string& fact) const { throw Error(path_, fact); }

  const Json& member(const Json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) {
      fail(std::string("the description lacks ") + key);
    }
    return object.at(key);
  }

  std::string text(const Json& value) const {
    if (!value.is_string()) fail("the description has a name that is not a text");
    return value.get<std::string>();
  }

  Layer layer_of(const Json& description) const {
    Layer layer{.class_name = text(member(description, "class_name")),
                .config = member(description, "config")};
    if (description.contains("name")) {
      layer.name = text(description.at("name"));
    } else if (layer.config.is_object() && layer.config.contains("name")) {
      layer.name = text(layer.config.at("name"));
    }
    if (layer.name.empty())
      fail("a layer of class " + escaped(layer.class_name, 80) + " has no name");
    return layer;
  }

  // What the first layer of a Sequential says of its input, however deep it is nested.
  static const Json* first_config(const Json& config) {
    const Json* at = &config;
    while (at->is_object() && at->contains("layers")) at = &at->at("layers");
    if (!at->is_array()) return at;
    if (at->empty() || !at->front().is_object() || !at->front().contains("config")) return nullptr;
    return first_config(at->front().at("config"));
  }

  void chain(const Json& layers) {
    for (const Json& description : layers) {
      Layer layer = layer_of(description);
      const bool is_input = layer.class_name == "InputLayer";
      if (network_.layers.empty() && !is_input) {
        const Json* first = first_config(layer.config);
        const bool has_shape = first && first->is_object() && first->contains("batch_input_shape");
        network_.layers.push_back(
            {.class_name = "InputLayer",
             .name = layer.name + "_input",
             .config = {{"batch_input_shape", has_shape ? first->at("batch_input_shape") : Json()}},
             .calls = {{}}});
      }
      if (is_input != network_.layers.empty()) fail("a Sequential has an InputLayer in its middle");
      layer.calls.emplace_back();
      if (!is_input) layer.calls[0].push_back({.layer = network_.layers.size() - 1});
      network_.layers.push_back(std::move(layer));
    }
    network_.inputs = {{.layer = 0}};
    network_.outputs = {{.layer = network_.layers.size() - 1}};
    check_names();
  }

  void check_names() {
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      if (!index_.emplace(network_.layers[i].name, i).second) {
        fail("two layers are called " + escaped(network_.layers[i].name, 80));
      }
    }
  }

  // [name, call, output, ...] as Keras writes it, names and numbers unchecked.
  struct Reference {
    std::string name;
    size_t call;
    size_t output;
  };

  Reference reference(const Json& value) const {
    if (!value.is_array() || value.size() < 3 || !value[0].is_string() ||
        !value[1].is_number_unsigned() || !value[2].is_number_unsigned()) {
      fail("the description holds a connection that is not [layer, call, output]");
    }
    return {value[0].get<std::string>(), value[1].get<size_t>(), value[2].get<size_t>()};
  }

  // A list of references, or one alone.
  std::vector<Reference> references(const Json& value) const {
    if (value.is_array() && !value.empty() && value[0].is_string()) return {reference(value)};
    if (!value.is_array()) fail("the description holds connections that are not a list");
    std::vector<Reference> out;
    for (const Json& entry : value) out.push_back(reference(entry));
    return out;
  }

  void connect(const Json& config, const Json& layers) {
    for (const Json& description : layers) network_.layers.push_back(layer_of(description));
    check_names();
    std::vector<std::vector<std::vector<Reference>>> calls;
    for (size_t i = 0; i < layers.size(); ++i) {
      const Json& nodes = member(layers[i], "inbound_nodes");
      if (!nodes.is_array()) fail("inbound_nodes is not a list");
      calls.emplace_back();
      for (const Json& node : nodes) calls.back().push_back(references(node));
      if (network_.layers[i].class_name == "InputLayer") calls.back() = {{}};
      network_.layers[i].calls.resize(calls.back().size());
    }
    const std::vector<Reference> inputs = references(member(config, "input_layers"));
    const std::vector<Reference> outputs = references(member(config, "output_layers"));
    for (const auto& layer : calls) {
      for (const auto& call : layer) {
        for (const Reference& r : call) ++uses_[r.name][r.call];
      }
    }
    for (const Reference& r : outputs) ++uses_[r.name][r.call];
    for (size_t i = 0; i < calls.size(); ++i) {
      for (size_t c = 0; c < calls[i].size(); ++c) {
        for (const Reference& r : calls[i][c]) network_.layers[i].calls[c].push_back(resolve(r));
      }
    }
    for (const Reference& r : inputs) network_.inputs.push_back(resolve(r));
    for (const Reference& r : outputs) network_.outputs.push_back(resolve(r));
    for (const Source& input : network_.inputs) {
      const Layer& layer = network_.layers[input.layer];
      if (layer.class_name != "InputLayer") {
        fail("its input " + escaped(layer.name, 80) + " is not an InputLayer");
      }
    }
    if (network_.inputs.empty() || network_.outputs.empty()) fail("has no input or no output");
  }

  // A nested network that was built on its own input counts that as call 0, so that its calls here
  // are numbered from 1.
  Source resolve(const Reference& r) const {
    const auto found = index_.find(r.name);
    if (found == index_.end())
      fail("refers to layer " + escaped(r.name, 80) + ", which is missing");
    const Layer& layer = network_.layers[found->second];
    size_t call = r.call;
    const auto uses = uses_.find(r.name);
    const bool from_one =
        is_network(layer.class_name) && uses != uses_.end() && !uses->second.contains(0);
    if (from_one && call > 0) --call;
    if (call >= layer.calls.size()) {
      fail("refers to call " + std::to_string(r.call) + " of layer " + escaped(r.name, 80) +
           ", which has " + std::to_string(layer.calls.size()));
    }
    return {found->second, call, r.output};
  }

  // Kahn's algorithm; of those that can run, the first in the file runs first.
  void sort_calls() {
    using Key = std::pair<size_t, size_t>;
    std::map<Key, size_t> missing;
    std::map<Key, std::vector<Key>> waiting;
    std::priority_queue<Key, std::vector<Key>, std::greater<>> ready;
    for (size_t layer = 0; layer < network_.layers.size(); ++layer) {
      const auto& calls = network_.layers[layer].calls;
      for (size_t call = 0; call < calls.size(); ++call) {
        missing[{layer, call}] = calls[call].size();
        for (const Source& source : calls[call]) {
          waiting[{source.layer, source.call}].push_back({layer, call});
        }
        if (calls[call].empty()) ready.push({layer, call});
      }
    }
    while (!ready.empty()) {
      const Key done = ready.top();
      ready.pop();
      network_.order.push_back({done.first, done.second});
      for (const Key& next : waiting[done]) {
        if (--missing[next] == 0) ready.push(next);
      }
    }
    if (network_.order.size() != missing.size()) fail("its layers feed each other in a circle");
  }

  const std::string& path_;
  Network network_;
  std::map<std::string, size_t> index_;
  std::map<std::string, std::map<size_t, int>> uses_;  // how often each call is referred to
};

}  // namespace

bool is_network(const std::string& class_name) {
  return class_name == "Sequential" || class_name == "Model" || class_name == "Functional";
}

Network parse_network(const Json& model, const std::string& path) {
  return Parser(path).parse(model);
}

}  // namespace pare::formats::keras
