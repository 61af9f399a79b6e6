// SPDX-License-Identifier: Apache-2.0
#include "quantize/static_int8.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/pass/float_values.hpp"
#include "quantize/calibrate.hpp"
#include "quantize/integer_plan.hpp"
#include "quantize/weight_only.hpp"

namespace pare::quantize {

namespace {

// The bias and the sum of products share an i32 accumulator: the bias may take half of it, which
// leaves room for products of 33,000 inputs.
constexpr float kLargestBiasCode = 1073741824.0F;  // 2^30
// An output channel without weights has no scale of its own; its bias gets about 20 bits.
constexpr float kLoneBiasCode = 1048576.0F;

// One node that takes the weight.
struct Use {
  ir::NodeId node;
  float input_scale = 1.0F;
  std::vector<float> bias;  // empty: none
};

class IntegerLayers {
 public:
  IntegerLayers(ir::Model& model, const Request& request, pass::Context& context)
      : model_(model), graph_(model.main()), request_(request), context_(context) {
    for (const ir::Node& node : graph_.nodes()) {
      for (const ir::ValueId id : node.inputs) {
        if (id.valid() && !graph_.value(id).parameter.empty()) ++uses_[graph_.value(id).parameter];
      }
    }
  }

  // False when one of its uses computes in f32.
  bool quantize(const LayerPlan& plan) {
    return plan.bits == 4 ? quantize_groups(plan) : quantize_channels(plan);
  }

 private:
  // Codes of a group have a scale of their own, so no i32 sum could take in the bias: it stays f32.
  bool quantize_groups(const LayerPlan& plan) {
    for (const pass::WeightUse& use : plan.layer.uses) {
      const ir::Graph& graph = model_.graphs[use.graph];
      const ir::Node& node = graph.node(use.node);
      const bool integer = &graph == &graph_ && graph.value(node.inputs[0]).quant &&
                           integer_groups(model_, graph, node);
      if (!integer) return false;
      bias_of(node);  // refuses what is not finite
    }
    const std::string& name = plan.layer.parameter;
    const ir::Tensor weight = model_.parameters.at(name);
    model_.parameters.set(name, quantized_weight(name, weight, layer_scheme(request_, plan),
                                                 context_.threads, recent_));
    return true;
  }

  bool quantize_channels(const LayerPlan& plan) {
    std::vector<Use> uses;
    for (const pass::WeightUse& use : plan.layer.uses) {
      const ir::Graph& graph = model_.graphs[use.graph];
      const ir::Node& node = graph.node(use.node);
      const auto& quant = graph.value(node.inputs[0]).quant;
      if (&graph != &graph_ || !quant || !integer_linear(model_, graph, node)) return false;
      uses.push_back({.node = use.node, .input_scale = quant->scale, .bias = bias_of(node)});
    }
    const std::string& name = plan.layer.parameter;
    const ir::Tensor weight = model_.parameters.at(name);
    std::vector<float> scales =
        channel_scales(name, weight, layer_scheme(request_, plan), context_.threads);
    const auto channels =
        static_cast<size_t>(weight.dims()[static_cast<size_t>(plan.layer.output_axis)]);
    if (scales.size() != channels) scales.assign(channels, scales.front());
    fit_biases(scales, uses, has_weights(weight, plan.layer.output_axis));
    model_.parameters.set(
        name, quantized_weight(weight, scales, plan.layer.output_axis, context_.threads));
    for (const Use& use : uses) {
      if (!use.bias.empty()) set_bias(use, scales);
    }
    log_edge(plan, context_);
    return true;
  }

  std::vector<float> bias_of(const ir::Node& node) const {
    if (node.inputs.size() < 3 || !node.inputs[2].valid()) return {};
    const std::string& name = graph_.value(node.inputs[2]).parameter;
    std::vector<float> bias = ir::to_f32(model_.parameters.at(name));
    const bool finite = std::ranges::all_of(bias, [](float b) { return std::isfinite(b); });
    if (!finite) throw Error(escaped(name), "holds NaN or Inf");
    const ir::Tensor& weight = model_.parameters.at(graph_.value(node.inputs[1]).parameter);
    const int axis = ir::weight_output_axis(node, static_cast<int>(weight.dims().size()));
    const auto channels = static_cast<size_t>(weight.dims()[static_cast<size_t>(axis)]);
    if (bias.size() != channels) bias.assign(channels, bias.front());
    return bias;
  }

  // Whether each output channel has a weight other than zero.
  static std::vector<uint8_t> has_weights(const ir::Tensor& weight, int axis) {
    const ir::GroupGeometry g = ir::groups_of(weight.dims(), {.axis = axis});
    const pass::FloatValues values(weight);
    std::vector<uint8_t> any(static_cast<size_t>(g.rows));
    for (size_t i = 0; i < values.span().size(); ++i) {
      const auto row = static_cast<size_t>(static_cast<int64_t>(i) / g.inner % g.rows);
      any[row] |= values.span()[i] != 0.0F;
    }
    return any;
  }

  // Widens the scale of a channel whose bias would not fit i32.
  static void fit_biases(std::vector<float>& scales, const std::vector<Use>& uses,
                         const std::vector<uint8_t>& has_weights) {
    for (size_t c = 0; c < scales.size(); ++c) {
      float needed = 0.0F;
      for (const Use& use : uses) {
        if (use.bias.empty()) continue;
        const float codes = has_weights[c] ? kLargestBiasCode : kLoneBiasCode;
        needed = std::max(needed, std::abs(use.bias[c]) / use.input_scale / codes);
      }
      const bool normal = needed >= std::numeric_limits<float>::min() && std::isfinite(needed);
      if (!has_weights[c]) {
        scales[c] = normal ? needed : 1.0F;
      } else if (normal) {
        scales[c] = std::max(scales[c], needed);
      }
    }
  }

  void set_bias(const Use& use, const std::vector<float>& scales) {
    std::vector<float> products(scales.size());
    std::vector<int32_t> codes(scales.size());
    for (size_t c = 0; c < scales.size(); ++c) {
      products[c] = use.input_scale * scales[c];
      const double code = static_cast<double>(use.bias[c]) / products[c];
      codes[c] =
          static_cast<int32_t>(std::clamp(std::nearbyint(code), -2147483647.0, 2147483647.0));
    }
    const ir::Dims dims{static_cast<int64_t>(codes.size())};
    ir::Tensor::Parts parts;
    parts.set(ir::Part::kCodes, ir::Tensor::of<int32_t>(ir::DType::kI32, dims, codes));
    parts.set(ir::Part::kScales, ir::Tensor::f32(dims, products));
    const ir::QuantScheme scheme{.code = ir::DType::kI32, .axis = 0};
    ir::Tensor tensor = ir::Tensor::composite(dims, scheme, {}, std::move(parts));
    ir::Node& node = graph_.node(use.node);
    const ir::Value& old = graph_.value(node.inputs[2]);
    std::string name = old.parameter;
    // Scales depend on the input, so a bias that several nodes share becomes one for each.
    const bool shared = uses_[name] > 1;
    if (shared || old.shape != ir::shape_of(dims)) {
      name = node.name + ".bias";
      while (model_.parameters.contains(name)) name += ".codes";
      node.inputs[2] = graph_.add_parameter(name, ir::DType::kF32, dims);
      if (!shared) model_.parameters.erase(old.parameter);
    }
    model_.parameters.set(name, std::move(tensor));
  }

  ir::Model& model_;
  ir::Graph& graph_;
  const Request& request_;
  pass::Context& context_;
  std::map<std::string, int> uses_;
  std::shared_ptr<RecentGroups> recent_ = recent_groups();
};

// Puts calibrated scales on the activations that become codes.
void annotate(ir::Model& model, const std::vector<QuantizedValues>& values,
              const std::vector<Observer>& observers, const Request& request) {
  for (size_t i = 0; i < values.size(); ++i) {
    const Range range = observers[i].range(request.method, request.percentile);
    const ir::ActivationQuant quant = activation_quant(range);
    for (const ir::ValueId member : values[i].members) model.main().value(member).quant = quant;
  }
}

}  // namespace

ir::Model quantize_to_integers(const ir::Model& model, const std::vector<LayerPlan>& plan,
                               const Request& request, pass::Context& context) {
  ir::Model result = model;
  const auto values = quantized_values(model, plan, request.residuals);
  if (values.empty()) {
    throw Error(escaped(model.main().name),
                "has no layer that can run in integers; see --scheme w8a16 and w4a16");
  }
  std::vector<ir::ValueId> roots;
  for (const QuantizedValues& value : values) roots.push_back(value.root);
  annotate(result, values, calibrate(model, roots, request.samples, context), request);
  IntegerLayers layers(result, request, context);
  std::vector<LayerPlan> rest;
  int64_t four_bits = 0;
  for (const LayerPlan& layer : plan) {
    if (!layers.quantize(layer)) {
      rest.push_back(layer);
    } else if (layer.bits == 4) {
      ++four_bits;
    }
  }
  const std::string narrow =
      four_bits > 0 ? " (" + std::to_string(four_bits) + " with 4-bit weights)" : "";
  context.progress->log(std::to_string(plan.size() - rest.size()) + " layers run in integers" +
                        narrow + ", " + std::to_string(values.size()) +
                        " activation ranges calibrated");
  if (rest.empty()) return result;
  context.progress->log(std::to_string(rest.size()) +
                        " layers get weight codes and compute in f32");
  return quantize_weights(result, rest, request, context);
}

}  // namespace pare::quantize
