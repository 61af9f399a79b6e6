// SPDX-License-Identifier: Apache-2.0
// Walks the description's layers in the order in which they can run, nested networks inlined.
#include <algorithm>
#include <map>
#include <set>

#include "formats/keras/keras_format.hpp"
#include "formats/keras/layers.hpp"
#include "formats/keras/network.hpp"
#include "formats/keras/weight_file.hpp"
#include "lib/core/error.hpp"
#include "lib/hdf5/hdf5_reader.hpp"

namespace pare::formats {

namespace keras {

namespace {

// Nested networks that call each other twice double at every level.
constexpr int kMaxCalls = 20'000;

// Where a layer stands: in the model itself, or in a network inside it.
struct Place {
  std::string prefix;  // of names: "encoder/"
  std::string group;   // of weights, when nested: that of the outermost network
};

// One for each use of a nested network, whose layers may be used again and again.
using Uses = std::map<std::string, int>;

bool uses_channels_first(const Json& json) {
  if (json.is_object()) {
    const auto format = json.find("data_format");
    if (format != json.end() && *format == "channels_first") return true;
  }
  return json.is_structured() && std::ranges::any_of(json, uses_channels_first);
}

class ModelReader {
 public:
  explicit ModelReader(const std::string& path) : file_(path), lowering_(path) {}

  ir::Model read() {
    if (!file_.has_config()) return weights_alone();
    const Json config = file_.config();
    channels_last_ = !uses_channels_first(config);
    const Network network = parse_network(config, file_.path());
    std::vector<Feature> inputs;
    for (const Source& source : network.inputs) inputs.push_back(input(network, source));
    std::vector<ir::ValueId> outputs;
    for (const Feature& y : run(network, {}, inputs, false)) outputs.push_back(output(y));
    ir::Model model = lowering_.finish(std::move(outputs));
    model.metadata.source = source_of(network);
    return model;
  }

 private:
  Json source_of(const Network& network) const {
    return {{"format", "keras"},          {"class", network.class_name},
            {"name", network.name},       {"keras_version", file_.keras_version()},
            {"backend", file_.backend()}, {"layout", channels_last_ ? "NHWC" : "NCHW"}};
  }

  ir::Model weights_alone() const {
    ir::Model model;
    for (const std::string& layer : file_.layers()) {
      for (const Weight& weight : file_.weights_of(layer)) {
        const std::string name =
            weight.name.starts_with(layer + "/") ? weight.name : layer + "/" + weight.name;
        if (model.parameters.contains(name)) {
          throw Error(file_.path(), "two weights are called " + escaped(name, 80));
        }
        model.parameters.set(name, ir::Tensor::f32(weight.array->dims, file_.values(weight)));
      }
    }
    model.metadata.source = {{"format", "keras"},
                             {"class", "weights"},
                             {"keras_version", file_.keras_version()},
                             {"backend", file_.backend()}};
    return model;
  }

  // Images enter as NCHW, all else as Keras has it.
  Order border_order(size_t rank) const {
    return rank == 3 ? channels_first_order(rank, channels_last_) : keras_order(rank);
  }

  Feature input(const Network& network, const Source& source) {
    const Layer& layer = network.layers[source.layer];
    const LayerConfig config(file_.path(), layer.class_name, layer.name, layer.config);
    const Json* shape = config.find("batch_input_shape");
    if (!shape || !shape->is_array() || shape->empty()) config.refuse("states no input shape");
    Feature out;
    for (size_t i = 1; i < shape->size(); ++i) {
      const Json& size = shape->at(i);
      if (!size.is_number_unsigned() || size.get<uint64_t>() < 1 ||
          size.get<uint64_t>() > static_cast<uint64_t>(kLargestSetting)) {
        config.refuse("its input has an open size: " + escaped(to_text(*shape), 80));
      }
      out.shape.push_back(size.get<int64_t>());
    }
    out.order = border_order(out.shape.size());
    out.id = lowering_.input(layer.name, graph_shape(out));
    return out;
  }

  ir::ValueId output(const Feature& y) {
    if (!y.flatten.empty()) return lowering_.plain(y).id;
    return lowering_.ordered(y, border_order(y.shape.size())).id;
  }

  std::vector<Feature> run(const Network& network, const Place& place,
                           const std::vector<Feature>& inputs, bool shared) {
    std::vector<std::vector<std::vector<Feature>>> made(network.layers.size());
    for (size_t i = 0; i < made.size(); ++i) made[i].resize(network.layers[i].calls.size());
    for (size_t i = 0; i < network.inputs.size(); ++i) {
      made[network.inputs[i].layer][0] = {inputs.at(i)};
    }
    const auto output_of = [&](const Source& source) -> const Feature& {
      const auto& outputs = made[source.layer].at(source.call);
      if (source.output >= outputs.size()) {
        throw Error(file_.path(), "layer " + escaped(network.layers[source.layer].name, 80) +
                                      " has no output " + std::to_string(source.output));
      }
      return outputs[source.output];
    };
    for (const Call& call : network.order) {
      const Layer& layer = network.layers[call.layer];
      std::vector<Feature> features;
      for (const Source& source : layer.calls[call.call]) features.push_back(output_of(source));
      if (layer.class_name == "InputLayer") continue;
      made[call.layer][call.call] =
          is_network(layer.class_name)
              ? nested(layer, place, features, shared || layer.calls.size() > 1)
              : std::vector{
                    lower(layer, place, std::move(features), shared || layer.calls.size() > 1)};
    }
    std::vector<Feature> out;
    for (const Source& source : network.outputs) out.push_back(output_of(source));
    return out;
  }

  std::vector<Feature> nested(const Layer& layer, const Place& place,
                              const std::vector<Feature>& inputs, bool shared) {
    const Network network =
        parse_network({{"class_name", layer.class_name}, {"config", layer.config}}, file_.path());
    if (network.inputs.size() != inputs.size()) {
      LayerConfig(file_.path(), layer.class_name, layer.name, layer.config)
          .refuse("takes " + std::to_string(network.inputs.size()) + " inputs, is given " +
                  std::to_string(inputs.size()));
    }
    const Place inside{.prefix = place.prefix + layer.name + "/",
                       .group = place.group.empty() ? layer.name : place.group};
    return run(network, inside, inputs, shared);
  }

  Feature lower(const Layer& layer, const Place& place, std::vector<Feature> inputs, bool shared) {
    const LayerConfig config(file_.path(), layer.class_name, layer.name, layer.config);
    const LayerRow* row = find_layer(layer.class_name);
    if (!row) config.refuse("this class of layers is not supported");
    if (inputs.size() < row->min_inputs || inputs.size() > row->max_inputs) {
      config.refuse("is given " + std::to_string(inputs.size()) + " inputs");
    }
    if (++calls_ > kMaxCalls) {
      throw Error(file_.path(), "calls more than " + std::to_string(kMaxCalls) + " layers");
    }
    const std::string name = place.prefix + layer.name;
    const int use = ++uses_[name];
    const LayerCall call{.graph = lowering_,
                         .config = config,
                         .name = use == 1 ? name : name + ".call" + std::to_string(use),
                         .parameters = name,
                         .shared = shared,
                         .inputs = std::move(inputs),
                         .weights = [&](const std::vector<Expected>& expected) {
                           return weights(config, layer, place, expected);
                         }};
    return row->lower(call);
  }

  // A layer's weights are told by their order, as Keras itself does; those of layers inside a
  // network share one group, where their names say whose they are.
  std::vector<std::vector<float>> weights(const LayerConfig& config, const Layer& layer,
                                          const Place& place,
                                          const std::vector<Expected>& expected) const {
    const bool is_nested = !place.group.empty();
    std::vector<Weight> stored = file_.weights_of(is_nested ? place.group : layer.name);
    if (is_nested) {
      std::vector<Weight> own;
      for (const Expected& wanted : expected) {
        const std::string tail = layer.name + "/" + wanted.kind;
        for (const Weight& weight : stored) {
          if (weight.name == tail || weight.name.ends_with("/" + tail)) own.push_back(weight);
        }
      }
      stored = std::move(own);
    }
    if (stored.size() != expected.size()) {
      config.refuse("takes " + std::to_string(expected.size()) + " weights, the file holds " +
                    std::to_string(stored.size()));
    }
    std::vector<std::vector<float>> out;
    for (size_t i = 0; i < stored.size(); ++i) {
      if (stored[i].array->dims != expected[i].dims) {
        config.refuse(expected[i].kind + " should be " + ir::to_string(expected[i].dims) +
                      ", found " + ir::to_string(stored[i].array->dims));
      }
      out.push_back(file_.values(stored[i]));
    }
    return out;
  }

  WeightFile file_;
  Lowering lowering_;
  Uses uses_;
  int calls_ = 0;
  bool channels_last_ = true;
};

}  // namespace

}  // namespace keras

bool is_keras(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  return hdf5::has_signature(head) && text.find("pare_format") == std::string_view::npos;
}

ir::Model read_keras(const std::string& path) {
  try {
    return keras::ModelReader(path).read();
  } catch (const Error& error) {
    if (error.subject() == path) throw;
    throw Error(path, error.what());  // of a layer or node
  }
}

}  // namespace pare::formats
