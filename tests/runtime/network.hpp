// SPDX-License-Identifier: Apache-2.0
// Builds small random models, in float or fully quantized, for tests of the runtime.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "lib/core/rng.hpp"
#include "lib/ir/model.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/session.hpp"

namespace pare::test {

using Attributes = std::map<std::string, ir::Attribute>;

struct ConvShape {
  int64_t out = 1, kernel_h = 3, kernel_w = 3;
  int64_t stride = 1, dilation = 1, groups = 1;
  std::vector<int64_t> pads = {1, 1, 1, 1};
  bool bias = true;
};

class Network {
 public:
  Network(ir::Dims item, bool quantized, uint64_t seed = 1) : rng_(seed), quantized_(quantized) {
    model_.graphs.emplace_back();
    ir::Shape shape = {ir::Dim(std::string("batch"))};
    for (const int64_t d : item) shape.emplace_back(d);
    input_ = graph().add_input("input", shape);
    dims_[input_.index] = std::move(item);
    quantize_value(input_, 0.03F, 117);
  }

  ir::Graph& graph() { return model_.graphs.front(); }
  ir::ValueId input() const { return input_; }
  Rng& rng() { return rng_; }

  ir::ValueId conv(ir::ValueId x, const ConvShape& c, bool last_of_step = true) {
    const int64_t channels = dims_.at(x.index)[0];
    const ir::Dims weight = {c.out, channels / c.groups, c.kernel_h, c.kernel_w};
    std::vector<ir::ValueId> inputs = {x, weight_parameter(weight, 0)};
    const int64_t depth = weight[1] * weight[2] * weight[3];
    if (c.bias) inputs.push_back(bias_parameter(c.out, depth));
    const ir::ValueId y =
        graph().add("Conv", inputs,
                    Attributes{{"strides", std::vector<int64_t>{c.stride, c.stride}},
                               {"dilations", std::vector<int64_t>{c.dilation, c.dilation}},
                               {"pads", c.pads},
                               {"group", c.groups}},
                    name("conv"));
    const auto size = [&](int axis, int64_t kernel) {
      const int64_t in = dims_.at(x.index)[static_cast<size_t>(axis + 1)];
      const auto a = static_cast<size_t>(axis);
      return (in + c.pads[a] + c.pads[a + 2] - c.dilation * (kernel - 1) - 1) / c.stride + 1;
    };
    dims_[y.index] = {c.out, size(0, c.kernel_h), size(1, c.kernel_w)};
    if (last_of_step) quantize_output(y, depth);
    return y;
  }

  ir::ValueId gemm(ir::ValueId x, int64_t out, bool quantized_output = true) {
    const int64_t depth = dims_.at(x.index)[0];
    const ir::ValueId y =
        graph().add("Gemm", {x, weight_parameter({out, depth}, 0), bias_parameter(out, depth)},
                    Attributes{{"transB", int64_t{1}}}, name("gemm"));
    dims_[y.index] = {out};
    if (quantized_output) quantize_output(y, depth);
    return y;
  }

  // An op whose output has its input's dims; quantized with a scale of its own.
  ir::ValueId same(const std::string& op, std::vector<ir::ValueId> inputs,
                   Attributes attributes = {}) {
    const ir::ValueId x = inputs.front();
    const ir::ValueId y = graph().add(op, std::move(inputs), std::move(attributes), name(op));
    dims_[y.index] = dims_.at(x.index);
    quantize_value(y, 0.05F, static_cast<int32_t>(rng_.below(120)));
    return y;
  }

  // As `same`, for an input that is not materialised: dims are taken from `like`.
  ir::ValueId same_as(const std::string& op, ir::ValueId x, ir::ValueId like) {
    dims_[x.index] = dims_.at(like.index);
    return same(op, {x});
  }

  // An op whose output has other dims; quantized like its input when `pass_through`.
  ir::ValueId reshaping(const std::string& op, std::vector<ir::ValueId> inputs, ir::Dims dims,
                        Attributes attributes = {}, bool pass_through = true) {
    const ir::ValueId x = inputs.front();
    const ir::ValueId y = graph().add(op, std::move(inputs), std::move(attributes), name(op));
    dims_[y.index] = std::move(dims);
    if (pass_through) {
      graph().value(y).quant = graph().value(x).quant;
    } else {
      quantize_value(y, 0.04F, 31);
    }
    return y;
  }

  ir::ValueId constant(const ir::Tensor& tensor) {
    const std::string key = name("constant");
    model_.parameters.set(key, tensor);
    return graph().add_parameter(key, tensor.dtype(), tensor.dims());
  }

  ir::Model finish(std::vector<ir::ValueId> outputs) {
    graph().outputs = std::move(outputs);
    ir::infer_shapes(model_, graph());
    ir::verify(model_);
    return model_;
  }

  std::string name(const std::string& op) { return op + std::to_string(++names_); }

 private:
  // Codes over the full symmetric range with its ends certain to occur.
  ir::ValueId weight_parameter(const ir::Dims& dims, int axis) {
    const int64_t count = ir::element_count(dims);
    ir::Tensor tensor;
    if (quantized_) {
      std::vector<int8_t> codes(static_cast<size_t>(count));
      for (int8_t& code : codes) code = static_cast<int8_t>(rng_.below(255) - 127);
      codes.front() = 127;
      codes.back() = -127;
      std::vector<float> scales(static_cast<size_t>(dims[static_cast<size_t>(axis)]));
      for (float& scale : scales) scale = rng_.uniform(0.001F, 0.004F);
      ir::Tensor::Parts parts;
      parts.set(ir::Part::kCodes, ir::Tensor::of<int8_t>(ir::DType::kI8, dims, codes));
      parts.set(ir::Part::kScales, ir::Tensor::f32({static_cast<int64_t>(scales.size())}, scales));
      tensor = ir::Tensor::composite(dims, ir::QuantScheme{.axis = axis}, {}, parts);
    } else {
      std::vector<float> values(static_cast<size_t>(count));
      const float spread =
          std::sqrt(2.0F * static_cast<float>(dims[0]) / static_cast<float>(count));
      for (float& value : values) value = rng_.normal() * spread;
      tensor = ir::Tensor::f32(dims, values);
    }
    return constant(tensor);
  }

  ir::ValueId bias_parameter(int64_t channels, int64_t depth) {
    if (!quantized_) {
      std::vector<float> values(static_cast<size_t>(channels));
      for (float& value : values) value = rng_.normal() * 0.1F;
      return constant(ir::Tensor::f32({channels}, values));
    }
    std::vector<int32_t> codes(static_cast<size_t>(channels));
    for (int32_t& code : codes) code = static_cast<int32_t>((rng_.below(2001) - 1000) * depth);
    ir::Tensor::Parts parts;
    parts.set(ir::Part::kCodes, ir::Tensor::of<int32_t>(ir::DType::kI32, {channels}, codes));
    parts.set(
        ir::Part::kScales,
        ir::Tensor::f32({channels}, std::vector<float>(static_cast<size_t>(channels), 1e-4F)));
    return constant(ir::Tensor::composite(
        {channels}, ir::QuantScheme{.code = ir::DType::kI32, .axis = 0}, {}, parts));
  }

  void quantize_value(ir::ValueId id, float scale, int32_t zero_point) {
    if (!quantized_) return;
    graph().value(id).quant =
        ir::ActivationQuant{.code = ir::DType::kU8, .scale = scale, .zero_point = zero_point};
  }
  // About 60 codes a standard deviation of the accumulated products.
  void quantize_output(ir::ValueId id, int64_t depth) {
    const float deviation = 74.0F * 73.0F * std::sqrt(static_cast<float>(depth)) * 0.03F * 0.0025F;
    quantize_value(id, deviation / 60.0F, static_cast<int32_t>(rng_.below(256)));
  }

  ir::Model model_;
  Rng rng_;
  bool quantized_;
  ir::ValueId input_;
  std::map<int32_t, ir::Dims> dims_;  // of an item
  int names_ = 0;
};

inline void fill_random(std::span<float> values, uint64_t seed) {
  Rng rng(seed);
  for (float& value : values) value = rng.normal() * 1.5F;
}

// Runs `model` on seeded random inputs and returns its first output.
inline std::vector<float> run_once(const ir::Model& model, const runtime::SessionOptions& options,
                                   uint64_t seed = 7) {
  runtime::Session session(model, options);
  for (int i = 0; i < session.input_count(); ++i) fill_random(session.input(i), seed);
  session.run();
  const auto out = session.output();
  return {out.begin(), out.end()};
}

}  // namespace pare::test
