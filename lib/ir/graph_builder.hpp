// SPDX-License-Identifier: Apache-2.0
// Lays down layers one by one, keeping shapes known and parameters named after their layer:
// "conv1.weight", "conv1.bn.scale". Batch norms start as the identity, all else as zeros.
#pragma once

#include <string>

#include "lib/ir/model.hpp"

namespace pare::ir {

// What the parameters of a batch norm are called: scale, bias, mean and var as in ONNX, or weight,
// bias, running_mean and running_var as in PyTorch.
enum class Naming : uint8_t { kOnnx, kTorch };

class GraphBuilder {
 public:
  // One input "input" of [batch, item...].
  explicit GraphBuilder(const Dims& item, Naming naming = Naming::kOnnx);

  const Dims& item() const { return item_; }
  ValueId input() const { return graph_.inputs.front(); }
  int64_t channels(ValueId x) const { return graph_.value(x).shape.at(1).size; }

  struct ConvOptions {
    int64_t channels = 1;
    int64_t kernel = 3;
    int64_t stride = 1;
    int64_t pad = 0;
    int64_t group = 1;
    bool bias = false;
  };
  ValueId conv(ValueId x, const ConvOptions& options, const std::string& name);
  ValueId batch_norm(ValueId x, const std::string& name);
  ValueId conv_bn_relu(ValueId x, const ConvOptions& options, const std::string& name);
  // Weight [features, in], bias [features].
  ValueId gemm(ValueId x, int64_t features, const std::string& name);
  ValueId relu(ValueId x);
  ValueId add(ValueId a, ValueId b, const std::string& name);
  // Every `stride`-th row and column, between channels of zeros that make up `to_channels`: the
  // shortcut without parameters of He et al. 2016, section 4.2 (option A).
  ValueId subsample(ValueId x, int64_t to_channels, int64_t stride, const std::string& name);
  // 2x2, stride 2.
  ValueId max_pool(ValueId x);
  ValueId global_average_pool(ValueId x);
  // [batch, features]; the value itself when it has that form already.
  ValueId flatten(ValueId x);

  // The model, with `output`, from here on "logits", as its only output. The builder is empty
  // afterwards.
  Model finish(ValueId output, Json source);

 private:
  ValueId parameter(const std::string& name, const Dims& dims, float fill = 0.0F);
  ValueId integers(const std::string& name, const std::vector<int64_t>& values);
  ValueId put(const std::string& op, std::vector<ValueId> inputs,
              std::map<std::string, Attribute> attributes, const std::string& name);

  Dims item_;
  Naming naming_;
  Model model_;
  Graph graph_;
};

}  // namespace pare::ir
