// SPDX-License-Identifier: Apache-2.0
// Activations, and layers that act on each element alone or, outside of training, not at all.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "formats/keras/layers.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::keras {

namespace {

Feature apply(const LayerCall& call, Feature x, const std::string& op, Attributes attributes,
              const std::string& name) {
  x.id = call.graph.put(op, {x.id}, std::move(attributes), name);
  return x;
}

Feature clipped(const LayerCall& call, Feature x, float low, float high, const std::string& name) {
  x.id = call.graph.put("Clip", {x.id, call.graph.scalar(low), call.graph.scalar(high)}, {}, name);
  return x;
}

Feature softmax(const LayerCall& call, const Feature& input, int64_t axis,
                const std::string& name) {
  Feature x = input.flatten.empty() ? input : call.graph.plain(input);
  const auto rank = static_cast<int64_t>(x.shape.size()) + 1;
  const int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 1 || at >= rank) call.config.refuse("axis is " + std::to_string(axis));
  const auto place = std::ranges::find(x.order, static_cast<int>(at));
  return apply(call, x, "Softmax", {{"axis", int64_t{place - x.order.begin()}}}, name);
}

// x where it reaches the threshold, else 0. ONNX wants it to exceed its alpha.
Feature above(const LayerCall& call, float threshold, const std::string& name) {
  const float below = std::nextafter(threshold, -std::numeric_limits<float>::infinity());
  return apply(call, call.x(), "ThresholdedRelu", {{"alpha", static_cast<double>(below)}}, name);
}

struct Activation {
  std::string_view name;
  std::string_view op;
};

// Activations that are one ONNX operator with its default attributes.
constexpr std::array kActivations = std::to_array<Activation>({
    {"relu", "Relu"},
    {"sigmoid", "Sigmoid"},
    {"tanh", "Tanh"},
    {"hard_sigmoid", "HardSigmoid"},  // clip(0.2 x + 0.5, 0, 1) in both
    {"gelu", "Gelu"},                 // by the error function
    {"elu", "Elu"},
    {"selu", "Selu"},
    {"softplus", "Softplus"},
    {"softsign", "Softsign"},
    {"exponential", "Exp"},
});

Feature named_activation(const LayerCall& call, const Feature& x, const std::string& activation,
                         const std::string& name) {
  if (activation == "linear") return x;
  if (activation == "softmax") return softmax(call, x, -1, name);
  if (activation == "relu6") return clipped(call, x, 0, 6, name);
  if (activation == "leaky_relu") return apply(call, x, "LeakyRelu", {{"alpha", 0.2}}, name);
  if (activation == "swish" || activation == "silu") {
    const Feature gate = apply(call, x, "Sigmoid", {}, name + ".sigmoid");
    Feature out = x;
    out.id = call.graph.put("Mul", {x.id, gate.id}, {}, name);
    return out;
  }
  const auto row = std::ranges::find(kActivations, activation, &Activation::name);
  if (row == kActivations.end()) {
    call.config.refuse("activation " + escaped(activation, 80) + " is not supported");
  }
  return apply(call, x, std::string(row->op), {}, name);
}

// The setting "activation": a name, or a layer's description.
std::string activation_of(const LayerCall& call) {
  const Json* value = call.config.find("activation");
  if (!value) return "linear";
  if (value->is_string()) return value->get<std::string>();
  const bool named =
      value->is_object() && value->contains("class_name") && value->at("class_name").is_string();
  call.config.refuse("activation " +
                     (named ? escaped(value->at("class_name").get<std::string>(), 80) + " " : "") +
                     "is not supported in this form");
}

}  // namespace

Feature activated(const LayerCall& call, const Feature& x) {
  const std::string activation = activation_of(call);
  return named_activation(call, x, activation, call.name + "." + activation);
}

Feature lower_activation(const LayerCall& call) {
  return named_activation(call, call.x(), activation_of(call), call.name);
}

// max_value from there on; x from the threshold on; negative_slope * (x - threshold) below.
Feature lower_relu(const LayerCall& call) {
  const auto slope = static_cast<float>(call.config.number("negative_slope", 0));
  const auto threshold = static_cast<float>(call.config.number("threshold", 0));
  const bool open = call.config.find("max_value") == nullptr;
  const auto most = static_cast<float>(call.config.number("max_value", 0));
  if (slope != 0 && threshold != 0) {
    call.config.refuse("negative_slope and threshold together are not supported");
  }
  if (most < std::max(threshold, 0.0F) && !open) call.config.refuse("max_value is too small");
  if (slope == 0 && threshold == 0) {
    return open ? apply(call, call.x(), "Relu", {}, call.name)
                : clipped(call, call.x(), 0, most, call.name);
  }
  const std::string name = open ? call.name : call.name + ".open";
  const Feature x =
      slope != 0 ? apply(call, call.x(), "LeakyRelu", {{"alpha", static_cast<double>(slope)}}, name)
                 : above(call, threshold, name);
  return open ? x : clipped(call, x, std::numeric_limits<float>::lowest(), most, call.name);
}

Feature lower_thresholded_relu(const LayerCall& call) {
  return apply(call, call.x(), "ThresholdedRelu", {{"alpha", call.config.number("theta", 1)}},
               call.name);
}

Feature lower_leaky_relu(const LayerCall& call) {
  return apply(call, call.x(), "LeakyRelu", {{"alpha", call.config.number("alpha", 0.3)}},
               call.name);
}

Feature lower_elu(const LayerCall& call) {
  return apply(call, call.x(), "Elu", {{"alpha", call.config.number("alpha", 1)}}, call.name);
}

Feature lower_softmax(const LayerCall& call) {
  const ir::Dims axes = call.config.integers("axis", {-1});
  if (axes.size() != 1) call.config.refuse("softmax over several axes is not supported");
  return softmax(call, call.x(), axes[0], call.name);
}

Feature lower_nothing(const LayerCall& call) { return call.x(); }

Feature lower_rescaling(const LayerCall& call) {
  Feature x = call.x();
  const auto scale = static_cast<float>(call.config.number("scale", 1));
  const auto offset = static_cast<float>(call.config.number("offset", 0));
  const std::string scaled = offset == 0 ? call.name : call.name + ".scale";
  x.id = call.graph.put("Mul", {x.id, call.graph.scalar(scale)}, {}, scaled);
  if (offset != 0) x.id = call.graph.put("Add", {x.id, call.graph.scalar(offset)}, {}, call.name);
  return x;
}

}  // namespace pare::formats::keras
