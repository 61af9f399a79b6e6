// SPDX-License-Identifier: Apache-2.0
// Networks with random weights that the tests of passes share, and a data set to calibrate them on.
#pragma once

#include <functional>

#include "lib/core/rng.hpp"
#include "lib/data/dataset.hpp"
#include "lib/ir/ops.hpp"
#include "lib/pass/pass.hpp"

namespace pare::tests {

inline std::vector<float> random_values(int64_t count, uint64_t seed, float spread = 0.3F) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = spread * rng.normal();
  return values;
}

class NetworkBuilder {
 public:
  explicit NetworkBuilder(uint64_t seed) : seed_(seed) {}

  ir::ValueId input(ir::Shape shape) { return graph_.add_input("x", std::move(shape)); }
  ir::ValueId parameter(const std::string& name, const ir::Dims& dims, float spread = 0.3F) {
    const auto values = random_values(ir::element_count(dims), ++seed_, spread);
    model_.parameters.set(name, ir::Tensor::f32(dims, values));
    return graph_.add_parameter(name, ir::DType::kF32, dims);
  }
  ir::ValueId conv(ir::ValueId x, const std::string& name, const ir::Dims& weight,
                   int64_t group = 1) {
    const ir::ValueId w = parameter(name + ".weight", weight);
    const ir::ValueId b = parameter(name + ".bias", {weight[0]});
    return graph_.add("Conv", {x, w, b},
                      {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"group", group}}, name);
  }
  ir::ValueId batch_norm(ir::ValueId x, const std::string& name, int64_t channels) {
    const ir::ValueId gamma = parameter(name + ".weight", {channels}, 1.0F);
    const ir::ValueId beta = parameter(name + ".bias", {channels});
    const ir::ValueId mean = parameter(name + ".running_mean", {channels});
    std::vector<float> variance(static_cast<size_t>(channels), 0.7F);
    model_.parameters.set(name + ".running_var", ir::Tensor::f32({channels}, variance));
    const ir::ValueId var =
        graph_.add_parameter(name + ".running_var", ir::DType::kF32, {channels});
    return graph_.add("BatchNormalization", {x, gamma, beta, mean, var}, {}, name);
  }
  ir::ValueId node(const std::string& op, std::vector<ir::ValueId> inputs, const std::string& name,
                   std::map<std::string, ir::Attribute> attributes = {}) {
    return graph_.add(op, std::move(inputs), std::move(attributes), name);
  }
  ir::Model finish(ir::ValueId output) {
    graph_.outputs = {output};
    ir::infer_shapes(model_, graph_);
    model_.graphs = {graph_};
    model_.metadata.preprocessing.stated = true;
    ir::verify(model_);
    return model_;
  }

 private:
  uint64_t seed_;
  ir::Model model_;
  ir::Graph graph_;
};

// [batch, 2, 8, 8] -> 5 logits: BatchNormalization, a residual, a pool, a depthwise convolution, an
// activation by table, an average and a Gemm.
inline ir::Model conv_network(uint64_t seed = 1) {
  NetworkBuilder b(seed * 1000);
  const ir::ValueId x = b.input({ir::Dim("batch"), 2, 8, 8});
  const auto first =
      b.node("Relu", {b.batch_norm(b.conv(x, "conv1", {8, 2, 3, 3}), "bn1", 8)}, "relu1");
  const auto second = b.batch_norm(b.conv(first, "conv2", {8, 8, 3, 3}), "bn2", 8);
  const auto sum = b.node("Relu", {b.node("Add", {second, first}, "add")}, "relu2");
  const auto pooled = b.node(
      "MaxPool", {sum}, "pool",
      {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const auto depthwise = b.node("HardSwish", {b.conv(pooled, "conv3", {8, 1, 3, 3}, 8)}, "swish");
  const auto flat =
      b.node("Flatten", {b.node("GlobalAveragePool", {depthwise}, "average")}, "flat");
  const auto w = b.parameter("fc.weight", {5, 8});
  const auto bias = b.parameter("fc.bias", {5});
  return b.finish(b.node("Gemm", {flat, w, bias}, "fc", {{"transB", int64_t{1}}}));
}

// [batch, 12] -> MatMul (no bias), Relu, Gemm without transB -> 6.
inline ir::Model matmul_network(uint64_t seed = 1) {
  NetworkBuilder b(seed * 1000);
  const ir::ValueId x = b.input({ir::Dim("batch"), 12});
  const auto hidden =
      b.node("Relu", {b.node("MatMul", {x, b.parameter("a", {12, 10})}, "mm")}, "relu");
  return b.finish(
      b.node("Gemm", {hidden, b.parameter("w", {10, 6}), b.parameter("bias", {6})}, "gemm"));
}

// Items from a function of (item, element); label = item % classes unless told otherwise.
class GeneratedData : public data::Dataset {
 public:
  GeneratedData(ir::Dims item, int64_t size, int64_t classes,
                std::function<float(int64_t, int64_t)> value)
      : size_(size), classes_(classes), value_(std::move(value)) {
    info_.source = "generated";
    info_.kind = "synthetic";
    info_.item = std::move(item);
    for (int64_t c = 0; c < classes; ++c) info_.classes.push_back("class" + std::to_string(c));
  }
  const data::DatasetInfo& info() const override { return info_; }
  int64_t size() const override { return size_; }
  void read(int64_t index, std::span<float> out) const override {
    for (size_t i = 0; i < out.size(); ++i) out[i] = value_(index, static_cast<int64_t>(i));
  }
  int64_t label(int64_t index) const override {
    return only_label >= 0 ? only_label : index % classes_;
  }
  std::string fingerprint() const override { return "generated"; }

  int64_t only_label = -1;

 private:
  data::DatasetInfo info_;
  int64_t size_;
  int64_t classes_;
  std::function<float(int64_t, int64_t)> value_;
};

inline std::shared_ptr<GeneratedData> noise(ir::Dims item, int64_t size, int64_t classes,
                                            float spread = 1.0F) {
  return std::make_shared<GeneratedData>(
      std::move(item), size, classes, [spread](int64_t i, int64_t e) {
        return spread * Rng(17, static_cast<uint64_t>(i), static_cast<uint64_t>(e)).normal();
      });
}

class RecordingProgress : public Progress {
 public:
  void log(std::string_view line) override { lines.emplace_back(line); }
  void warn(std::string_view line) override { warnings.emplace_back(line); }
  static bool any_with(const std::vector<std::string>& list, std::string_view part) {
    for (const auto& line : list) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
  std::vector<std::string> lines;
  std::vector<std::string> warnings;
};

inline ir::Model apply(const pass::PassInfo& info, const ir::Model& model, const Json& options,
                       pass::Context context = {}) {
  return pass::run(info, model, pass::Options(info.options, options), context);
}

// Every stored byte of every parameter, in order.
inline ir::Bytes stored_bytes(const ir::Model& model) {
  ir::Bytes all;
  const auto append = [&](const ir::Tensor& plain) {
    const ir::BufferView view = plain.view();
    all.insert(all.end(), view.bytes().begin(), view.bytes().end());
  };
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (tensor.is_plain()) append(tensor);
    for (int p = 0; p < ir::kPartCount && !tensor.is_plain(); ++p) {
      if (const ir::Tensor* part = tensor.part(static_cast<ir::Part>(p))) append(*part);
    }
  }
  return all;
}

}  // namespace pare::tests
