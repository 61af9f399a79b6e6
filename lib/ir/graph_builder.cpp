// SPDX-License-Identifier: Apache-2.0
// Shapes are inferred after every layer, so that the next one can read its input's channels.
#include "lib/ir/graph_builder.hpp"

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::ir {

GraphBuilder::GraphBuilder(const Dims& item, Naming naming) : item_(item), naming_(naming) {
  Shape shape{Dim("batch")};
  for (const int64_t size : item) {
    if (size < 1) throw Error("item", "has shape " + to_string(item));
    shape.emplace_back(size);
  }
  graph_.add_input("input", std::move(shape));
}

ValueId GraphBuilder::parameter(const std::string& name, const Dims& dims, float fill) {
  const std::vector<float> values(static_cast<size_t>(element_count(dims, name)), fill);
  model_.parameters.set(name, Tensor::f32(dims, values));
  return graph_.add_parameter(name, DType::kF32, dims);
}

ValueId GraphBuilder::integers(const std::string& name, const std::vector<int64_t>& values) {
  const Dims dims{static_cast<int64_t>(values.size())};
  model_.parameters.set(name, Tensor::i64(dims, values));
  return graph_.add_parameter(name, DType::kI64, dims);
}

ValueId GraphBuilder::put(const std::string& op, std::vector<ValueId> inputs,
                          std::map<std::string, Attribute> attributes, const std::string& name) {
  const ValueId out = graph_.add(op, std::move(inputs), std::move(attributes), name);
  infer_shapes(model_, graph_);
  return out;
}

ValueId GraphBuilder::conv(ValueId x, const ConvOptions& o, const std::string& name) {
  const Dims weight{o.channels, channels(x) / o.group, o.kernel, o.kernel};
  std::vector<ValueId> inputs{x, parameter(name + ".weight", weight)};
  if (o.bias) inputs.push_back(parameter(name + ".bias", {o.channels}));
  return put("Conv", std::move(inputs),
             {{"group", o.group},
              {"kernel_shape", Dims{o.kernel, o.kernel}},
              {"pads", Dims(4, o.pad)},
              {"strides", Dims{o.stride, o.stride}}},
             name);
}

ValueId GraphBuilder::batch_norm(ValueId x, const std::string& name) {
  const Dims dims{channels(x)};
  const bool torch = naming_ == Naming::kTorch;
  const std::vector<ValueId> inputs{
      x, parameter(name + (torch ? ".weight" : ".scale"), dims, 1.0F),
      parameter(name + ".bias", dims), parameter(name + (torch ? ".running_mean" : ".mean"), dims),
      parameter(name + (torch ? ".running_var" : ".var"), dims, 1.0F)};
  return put("BatchNormalization", inputs, {{"epsilon", 1e-5}}, name);
}

ValueId GraphBuilder::conv_bn_relu(ValueId x, const ConvOptions& options, const std::string& name) {
  return relu(batch_norm(conv(x, options, name), name + ".bn"));
}

ValueId GraphBuilder::gemm(ValueId x, int64_t features, const std::string& name) {
  const Dims weight{features, channels(x)};
  return put("Gemm",
             {x, parameter(name + ".weight", weight), parameter(name + ".bias", {features})},
             {{"transB", int64_t{1}}}, name);
}

ValueId GraphBuilder::relu(ValueId x) {
  return put("Relu", {x}, {}, graph_.value(x).name + ".relu");
}

ValueId GraphBuilder::add(ValueId a, ValueId b, const std::string& name) {
  return put("Add", {a, b}, {}, name);
}

ValueId GraphBuilder::subsample(ValueId x, int64_t to_channels, int64_t stride,
                                const std::string& name) {
  const int64_t added = to_channels - channels(x);
  const int64_t before = added / 2;
  x = put("Slice",
          {x, integers(name + ".starts", {0, 0}), integers(name + ".ends", {INT32_MAX, INT32_MAX}),
           integers(name + ".axes", {2, 3}), integers(name + ".steps", {stride, stride})},
          {}, name + ".slice");
  return put("Pad", {x, integers(name + ".pads", {0, before, 0, 0, 0, added - before, 0, 0})}, {},
             name + ".pad");
}

ValueId GraphBuilder::max_pool(ValueId x) {
  return put("MaxPool", {x}, {{"kernel_shape", Dims{2, 2}}, {"strides", Dims{2, 2}}},
             graph_.value(x).name + ".pool");
}

ValueId GraphBuilder::global_average_pool(ValueId x) {
  return put("GlobalAveragePool", {x}, {}, "pool");
}

ValueId GraphBuilder::flatten(ValueId x) {
  return graph_.value(x).shape.size() == 2 ? x : put("Flatten", {x}, {}, "flatten");
}

Model GraphBuilder::finish(ValueId output, Json source) {
  graph_.outputs = {output};
  graph_.value(output).name = "logits";  // whatever the layer's parameters are called
  model_.graphs.push_back(std::move(graph_));
  model_.metadata.source = std::move(source);
  return std::move(model_);
}

}  // namespace pare::ir
