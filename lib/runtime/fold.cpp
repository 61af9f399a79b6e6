// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/fold.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "lib/core/error.hpp"
#include "lib/ir/sparse.hpp"
#include "lib/runtime/session.hpp"

namespace pare::runtime {

namespace {

// Parameter name -> how many node inputs of all graphs refer to it.
std::map<std::string, int> parameter_uses(const ir::Model& model) {
  std::map<std::string, int> uses;
  for (const ir::Graph& graph : model.graphs) {
    for (const ir::Node& node : graph.nodes()) {
      for (const ir::ValueId id : node.inputs) {
        if (id.valid() && !graph.value(id).parameter.empty()) ++uses[graph.value(id).parameter];
      }
    }
    for (const ir::ValueId id : graph.outputs) {
      if (!graph.value(id).parameter.empty()) ++uses[graph.value(id).parameter];
    }
  }
  return uses;
}

// A tensor that keeps `values` as they are: weights are large and folded at every start.
ir::Tensor kept_tensor(const ir::Dims& dims, std::vector<float> values) {
  const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  return ir::Tensor(ir::DType::kF32, dims,
                    ir::Buffer::mapped(std::as_bytes(std::span(*owner)), owner));
}

// `values` stored the way `like` is: its sparse layout is kept, so that pruned weights stay pruned.
ir::Tensor stored_like(const ir::Tensor& like, std::vector<float> values) {
  const ir::SparseLayout layout = like.layout();
  if (layout.kind == ir::SparseKind::kDense) {
    return kept_tensor(like.dims(), std::move(values));
  }
  const ir::Tensor& mask = *like.part(ir::Part::kMask);
  const ir::BufferView view = mask.view();
  const std::vector<uint8_t> stored = ir::expand_mask(view.bytes(), like.dims(), layout);
  std::vector<float> kept;
  for (size_t i = 0; i < values.size(); ++i) {
    if (stored[i] != 0) kept.push_back(values[i]);
  }
  ir::Tensor::Parts parts;
  const ir::Dims stored_dims{static_cast<int64_t>(kept.size())};
  parts.set(ir::Part::kCodes, kept_tensor(stored_dims, std::move(kept)));
  parts.set(ir::Part::kMask, mask);
  return ir::Tensor::composite(like.dims(), std::nullopt, layout, parts);
}

// Multiplies by the factor of a value's channel: the rows (`rows`) or the columns of a matrix.
void scale_channels(std::span<float> values, std::span<const double> factor, bool rows) {
  const size_t line = rows ? values.size() / std::max<size_t>(factor.size(), 1) : factor.size();
  for (size_t first = 0, row = 0; line > 0 && first < values.size(); first += line, ++row) {
    for (size_t i = 0; i < line; ++i) {
      values[first + i] = static_cast<float>(values[first + i] * factor[rows ? row : i]);
    }
  }
}

class BatchNormFolder {
 public:
  BatchNormFolder(ir::Model& model, ir::Graph& graph, const std::set<std::string>& keep,
                  std::map<std::string, int>& uses)
      : model_(model), graph_(graph), keep_(keep), uses_(uses) {}

  void run() {
    std::vector<ir::Node> nodes = graph_.nodes();
    std::set<int32_t> dropped;
    for (size_t n = 0; n < nodes.size(); ++n) {
      const ir::NodeId linear = foldable(nodes[n]);
      if (!linear.valid()) continue;
      fold(nodes[static_cast<size_t>(linear.index)], nodes[n]);
      dropped.insert(static_cast<int32_t>(n));
    }
    if (dropped.empty()) return;
    std::vector<ir::Node> kept;
    for (size_t n = 0; n < nodes.size(); ++n) {
      if (!dropped.contains(static_cast<int32_t>(n))) kept.push_back(nodes[n]);
    }
    graph_.rebuild(std::move(kept));
  }

 private:
  const ir::Tensor* parameter(ir::ValueId id) const {
    if (!id.valid() || graph_.value(id).parameter.empty()) return nullptr;
    return &model_.parameters.at(graph_.value(id).parameter);
  }

  // The Conv or Gemm whose weights can absorb `node`, or invalid.
  ir::NodeId foldable(const ir::Node& node) const {
    if (node.op != "BatchNormalization" || ir::attr_int(node, "training_mode", 0) != 0) return {};
    for (size_t i = 1; i < 5; ++i) {
      if (parameter(node.inputs.at(i)) == nullptr) return {};
    }
    const ir::ValueId x = node.inputs.front();
    const ir::NodeId made_by = graph_.producer(x);
    if (!made_by.valid() || graph_.consumers(x).size() != 1) return {};
    if (keep_.contains(graph_.value(x).name)) return {};
    if (std::find(graph_.outputs.begin(), graph_.outputs.end(), x) != graph_.outputs.end())
      return {};
    const ir::Node& linear = graph_.node(made_by);
    if (linear.op != "Conv" && linear.op != "Gemm") return {};
    const ir::Tensor* weight = parameter(linear.inputs.at(1));
    const bool has_bias = linear.inputs.size() > 2 && linear.inputs[2].valid();
    const ir::Tensor* bias = has_bias ? parameter(linear.inputs[2]) : nullptr;
    if (weight == nullptr || weight->is_quantized() || (has_bias && bias == nullptr)) return {};
    const int64_t channels = parameter(node.inputs[1])->count();
    if (bias != nullptr && bias->count() != channels) return {};
    return made_by;
  }

  void fold(ir::Node& linear, const ir::Node& norm) {
    const ir::Tensor& weight = *parameter(linear.inputs[1]);
    const std::vector<float> gamma = ir::to_f32(*parameter(norm.inputs[1]));
    const std::vector<float> beta = ir::to_f32(*parameter(norm.inputs[2]));
    const std::vector<float> mean = ir::to_f32(*parameter(norm.inputs[3]));
    const std::vector<float> variance = ir::to_f32(*parameter(norm.inputs[4]));
    const double epsilon = ir::attr_float(norm, "epsilon", 1e-5F);
    const bool has_bias = linear.inputs.size() > 2 && linear.inputs[2].valid();
    std::vector<float> bias(gamma.size(), 0.0F);
    if (has_bias) bias = ir::to_f32(*parameter(linear.inputs[2]));
    const double bias_factor = linear.op == "Gemm" ? ir::attr_float(linear, "beta", 1.0F) : 1.0;

    std::vector<double> factor(gamma.size());
    for (size_t c = 0; c < gamma.size(); ++c) {
      factor[c] = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon);
      bias[c] = static_cast<float>((bias_factor * bias[c] - mean[c]) * factor[c] + beta[c]);
    }
    std::vector<float> values = ir::to_f32(weight);
    const bool rows = linear.op == "Conv" || ir::attr_int(linear, "transB", 0) != 0;
    scale_channels(values, factor, rows);
    replace(linear, 1, stored_like(weight, std::move(values)), linear.name + ".weight");
    linear.inputs.resize(3);
    replace(linear, 2, ir::Tensor::f32({static_cast<int64_t>(bias.size())}, bias),
            linear.name + ".bias");
    if (linear.op == "Gemm") linear.attributes["beta"] = 1.0;
    linear.outputs = {norm.outputs.front()};
  }

  // Makes `tensor` input i of `node`: under the old parameter's name when nobody else uses it.
  void replace(ir::Node& node, size_t i, ir::Tensor tensor, std::string name) {
    if (node.inputs[i].valid()) {
      const std::string old = graph_.value(node.inputs[i]).parameter;
      if (uses_[old] == 1 && graph_.value(node.inputs[i]).shape == ir::shape_of(tensor.dims())) {
        model_.parameters.set(old, std::move(tensor));
        return;
      }
      --uses_[old];
    }
    while (model_.parameters.contains(name)) name += ".folded";
    model_.parameters.set(name, tensor);
    uses_[name] = 1;
    node.inputs[i] = graph_.add_parameter(name, ir::DType::kF32, tensor.dims());
  }

  ir::Model& model_;
  ir::Graph& graph_;
  const std::set<std::string>& keep_;
  std::map<std::string, int>& uses_;
};

}  // namespace

ir::Model fold_batch_norm(const ir::Model& model, const std::set<std::string>& keep) {
  ir::Model out = model;
  const std::map<std::string, int> before = parameter_uses(out);
  std::map<std::string, int> uses = before;
  for (ir::Graph& graph : out.graphs) BatchNormFolder(out, graph, keep, uses).run();
  const std::map<std::string, int> after = parameter_uses(out);
  for (const auto& [name, count] : before) {
    if (!after.contains(name)) out.parameters.erase(name);
  }
  return out;
}

ir::Model fold_batch_norm(const ir::Model& model) { return fold_batch_norm(model, {}); }

}  // namespace pare::runtime
