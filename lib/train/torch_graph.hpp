// SPDX-License-Identifier: Apache-2.0
// Interprets a Model's main graph with torch tensors. Parameters are sorted into three kinds:
// trained weights and running statistics, both in flat buffers, and constants (shapes, axes, scalar
// bounds). Quantized and sparse parameters are decoded to f32; activation quantization is not
// simulated.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"
#include "lib/train/flat_tensors.hpp"
#include "lib/train/torch_ops.hpp"

namespace pare::train {

class TorchGraph {
 public:
  // Copies what it needs of `model`. Its trained weights become slots of `weights`, which the
  // caller seals before the first forward(). `subject` names the model in errors. Throws Error: no
  // graph, not exactly one f32 input, an op without a differentiable row.
  TorchGraph(const ir::Model& model, std::string subject, FlatTensors& weights);
  TorchGraph(const TorchGraph&) = delete;
  TorchGraph& operator=(const TorchGraph&) = delete;

  // Values of the graph whose tensors forward() shall hand back, by name; throws Error when
  // unknown.
  ir::ValueId find(const std::string& value_name) const;

  // `input` is [batch, item...]. Returns the logits [batch, classes]: the first output, or what its
  // final Softmax is applied to. `watched[i]` receives the value of watch[i].
  at::Tensor forward(const at::Tensor& input, bool training,
                     std::span<const ir::ValueId> watch = {},
                     std::vector<at::Tensor>* watched = nullptr);

  const ir::Graph& graph() const { return graph_; }
  const ir::Dims& item_dims() const { return item_dims_; }
  const ir::Preprocessing& preprocessing() const { return preprocessing_; }
  const std::string& subject() const { return subject_; }
  // Width of the first output; -1 when the graph leaves it open.
  int64_t classes() const;

  // Running means and variances of BatchNormalization.
  FlatTensors& statistics() { return statistics_; }
  // `model` with the current weights and statistics in place of its own, as plain f32.
  ir::Model updated(ir::Model model);

 private:
  enum class Kind : uint8_t { kWeight, kStatistic, kConstant };
  struct Bound {
    Kind kind;
    size_t index;
  };
  void bind_parameters(const ir::Model& model);
  Kind kind_of(ir::ValueId value, const ir::Tensor& tensor) const;
  at::Tensor parameter_tensor(const Bound& bound) const;
  void plan_lifetimes();
  void run_node(const ir::Node& node, const TorchRow& row, bool training,
                std::vector<at::Tensor>& values) const;

  std::string subject_;
  ir::Graph graph_;
  ir::Preprocessing preprocessing_;
  ir::Dims item_dims_;
  ir::ValueId logits_;
  bool channels_last_ = false;
  FlatTensors& weights_;
  FlatTensors statistics_;
  std::vector<at::Tensor> constants_;
  std::map<std::string, Bound> bound_;          // parameter name -> where it lives
  std::vector<const TorchRow*> rows_;           // one a node
  std::vector<std::vector<size_t>> last_uses_;  // per node: values nobody reads afterwards
};

}  // namespace pare::train
