// SPDX-License-Identifier: Apache-2.0
#include "tests/diagnose/break_model.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/runtime/fuse.hpp"
#include "lib/runtime/session.hpp"

namespace pare::test {

namespace {

const ir::Node& node_named(const ir::Graph& graph, const std::string& name) {
  for (const ir::Node& node : graph.nodes()) {
    if (node.name == name) return node;
  }
  throw Error(name, "the model has no such layer");
}

const std::string& parameter_of(const ir::Graph& graph, const ir::Node& node, size_t input) {
  static const std::string none;
  if (input >= node.inputs.size() || !node.inputs[input].valid()) return none;
  return graph.value(node.inputs[input]).parameter;
}

// The same tensor with other codes or scales.
ir::Tensor with_part(const ir::Tensor& tensor, ir::Part changed, ir::Tensor value) {
  ir::Tensor::Parts parts;
  for (int i = 0; i < ir::kPartCount; ++i) {
    const auto part = static_cast<ir::Part>(i);
    if (part != changed && tensor.part(part)) parts.set(part, *tensor.part(part));
  }
  parts.set(changed, std::move(value));
  const ir::QuantScheme scheme = *tensor.scheme();
  return ir::Tensor::composite(tensor.dims(), scheme, tensor.layout(), std::move(parts));
}

// Bias codes in a scale that is `factors[c]` times the old one.
void rescale_bias(ir::Model& model, const std::string& name, const std::vector<float>& factors) {
  const ir::Tensor& bias = model.parameters.at(name);
  std::vector<float> scales = ir::to_f32(*bias.part(ir::Part::kScales));
  std::vector<int32_t> codes = ir::to_codes(bias);
  for (size_t c = 0; c < codes.size(); ++c) {
    const float factor = factors[factors.size() == 1 ? 0 : c];
    codes[c] = static_cast<int32_t>(std::nearbyint(static_cast<float>(codes[c]) / factor));
    scales[c] *= factor;
  }
  ir::Tensor changed =
      with_part(bias, ir::Part::kScales, ir::Tensor::f32({std::ssize(scales)}, scales));
  changed = with_part(changed, ir::Part::kCodes,
                      ir::Tensor::of<int32_t>(ir::DType::kI32, bias.dims(), codes));
  model.parameters.set(name, changed);
}

// Every other slice along the first axis times `factor`.
void scale_every_other(ir::Model& model, const std::string& parameter, float factor) {
  const ir::Tensor& tensor = model.parameters.at(parameter);
  std::vector<float> values = ir::to_f32(tensor);
  const size_t slice = values.size() / static_cast<size_t>(tensor.dims()[0]);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i / slice % 2 == 1) values[i] *= factor;
  }
  model.parameters.set(parameter, ir::Tensor::f32(tensor.dims(), values));
}

}  // namespace

ir::Model with_uneven_channels(const ir::Model& model, const std::string& producer,
                               const std::string& depthwise, float factor) {
  ir::Model out = runtime::fold_batch_norm(model);
  const ir::Graph& graph = out.main();
  for (const size_t input : {1, 2}) {
    const std::string& name = parameter_of(graph, node_named(graph, producer), input);
    if (!name.empty()) scale_every_other(out, name, 1.0F / factor);
  }
  scale_every_other(out, parameter_of(graph, node_named(graph, depthwise), 1), factor);
  return out;
}

void break_channel_scale(ir::Model& model, const std::string& layer, int64_t channel,
                         float factor) {
  const ir::Graph& graph = model.main();
  const std::string name = parameter_of(graph, node_named(graph, layer), 1);
  const ir::Tensor& weight = model.parameters.at(name);
  std::vector<float> scales = ir::to_f32(*weight.part(ir::Part::kScales));
  scales.at(static_cast<size_t>(channel)) *= factor;
  model.parameters.set(
      name, with_part(weight, ir::Part::kScales, ir::Tensor::f32({std::ssize(scales)}, scales)));
}

void narrow_range(ir::Model& model, const std::string& layer, float factor) {
  ir::Graph& graph = model.main();
  ir::ValueId output;
  for (const runtime::Fusion& step : runtime::fuse(model, graph)) {
    if (graph.node(step.main).name == layer) output = graph.node(step.last()).outputs.front();
  }
  if (!output.valid() || !graph.value(output).quant) throw Error(layer, "has no coded output");
  const ir::ActivationQuant old = *graph.value(output).quant;
  // Steps that only move elements share the codes.
  for (size_t v = 0; v < graph.values().size(); ++v) {
    ir::Value& value = graph.value(ir::ValueId{static_cast<int32_t>(v)});
    if (value.quant == old) value.quant->scale = old.scale / factor;
  }
  for (const ir::Node& node : graph.nodes()) {
    const std::string& bias = parameter_of(graph, node, 2);
    if (bias.empty() || !node.inputs[0].valid()) continue;
    const auto& quant = graph.value(node.inputs[0]).quant;
    const bool takes = quant && quant->scale == old.scale / factor;
    if (takes && model.parameters.at(bias).is_quantized()) {
      rescale_bias(model, bias, {1.0F / factor});
    }
  }
}

void use_one_scale(ir::Model& model, const std::string& layer) {
  const ir::Graph& graph = model.main();
  const ir::Node& node = node_named(graph, layer);
  const std::string name = parameter_of(graph, node, 1);
  const ir::Tensor& weight = model.parameters.at(name);
  std::vector<float> scales = ir::to_f32(*weight.part(ir::Part::kScales));
  const std::vector<float> values = ir::to_f32(weight);
  const float one = *std::ranges::max_element(scales);
  std::vector<int8_t> codes(values.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<int8_t>(std::nearbyint(values[i] / one));
  }
  std::vector<float> factors;
  for (float& scale : scales) {
    factors.push_back(one / scale);
    scale = one;
  }
  ir::Tensor changed =
      with_part(weight, ir::Part::kScales, ir::Tensor::f32({std::ssize(scales)}, scales));
  changed = with_part(changed, ir::Part::kCodes,
                      ir::Tensor::of<int8_t>(ir::DType::kI8, weight.dims(), codes));
  model.parameters.set(name, changed);
  const std::string& bias = parameter_of(graph, node, 2);
  if (!bias.empty()) rescale_bias(model, bias, factors);
}

void swap_preprocessing(ir::Model& model) {
  std::swap(model.metadata.preprocessing.mean, model.metadata.preprocessing.std);
}

}  // namespace pare::test
