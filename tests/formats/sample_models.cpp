// SPDX-License-Identifier: Apache-2.0
#include "tests/formats/sample_models.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/json.hpp"
#include "lib/core/rng.hpp"
#include "lib/ir/ops.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/ir/sparse.hpp"

namespace pare::tests {

namespace {

using ir::Dims;
using ir::DType;
using ir::Part;
using ir::Tensor;
using ir::ValueId;

Tensor f32_noise(const Dims& dims, uint64_t seed) {
  return Tensor::f32(dims, noise(ir::element_count(dims), seed));
}

Tensor u8(const Dims& dims, const ir::Bytes& bytes) {
  return Tensor(DType::kU8, dims, ir::Buffer::heap(bytes));
}

// Asymmetric 4-bit codes in groups of 5 over rows of 8: every row has a tail group of 3.
Tensor grouped_u4(uint64_t seed) {
  const Dims dims{6, 8};
  std::vector<int32_t> codes(48);
  Rng rng(seed);
  for (int32_t& code : codes) code = static_cast<int32_t>(rng.below(16));
  Tensor::Parts parts;
  parts.set(Part::kCodes, Tensor(DType::kU4, dims, ir::Buffer::heap(ir::pack_nibbles(codes))));
  parts.set(Part::kScales, Tensor::f32({12}, std::vector<float>(12, 0.125F)));
  parts.set(Part::kZeroPoints, Tensor::of<int32_t>(DType::kI32, {12}, std::vector<int32_t>(12, 7)));
  return Tensor::composite(
      dims, ir::QuantScheme{.code = DType::kU4, .symmetric = false, .axis = 0, .group_size = 5}, {},
      parts);
}

// f32 values stored sparsely: every element whose index is in `kept` (one byte an element).
Tensor sparse(const Dims& dims, ir::SparseLayout layout, const std::vector<uint8_t>& kept) {
  const ir::Bytes mask = ir::pack_mask(kept, dims, layout);
  const int64_t stored = ir::stored_in_mask(mask, dims, layout);
  Tensor::Parts parts;
  parts.set(Part::kCodes, f32_noise({stored}, 3));
  parts.set(Part::kMask, u8({static_cast<int64_t>(mask.size())}, mask));
  return Tensor::composite(dims, std::nullopt, layout, parts);
}

Tensor two_level() {
  Tensor::Parts parts;
  parts.set(Part::kCodes, u8({4, 16}, ir::Bytes(64, std::byte{9})));
  // 4 rows of 4 groups; 8 groups to a second-level scale.
  parts.set(Part::kScales, u8({16}, ir::Bytes(16, std::byte{3})));
  parts.set(Part::kSuperScales, Tensor::f32({2}, std::vector<float>{0.5F, 0.25F}));
  return Tensor::composite(
      {4, 16},
      ir::QuantScheme{
          .code = DType::kU8, .scale = DType::kU8, .axis = 0, .group_size = 4, .super_group = 8},
      {}, parts);
}

Tensor with_codebook() {
  Tensor::Parts parts;
  parts.set(Part::kCodes, Tensor(DType::kU4, {3, 5}, ir::Buffer::heap(ir::Bytes(8))));
  parts.set(Part::kScales, Tensor::f32({1}, std::vector<float>{1.0F}));
  parts.set(Part::kCodebook, Tensor::f32({4}, std::vector<float>{-1.0F, 0.0F, 0.5F, 1.0F}));
  return Tensor::composite({3, 5}, ir::QuantScheme{.code = DType::kU4, .codebook = true}, {},
                           parts);
}

ValueId parameter(ir::Model& model, ir::Graph& graph, const std::string& name, Tensor tensor) {
  model.parameters.set(name, tensor);
  return graph.add_parameter(name, tensor.dtype(), tensor.dims());
}

// Conv (+ BatchNormalization) with int8 weights, as a quantized ResNet8 names things.
ValueId convolution(ir::Model& model, ir::Graph& graph, ValueId input, const std::string& name,
                    const Dims& weight, int64_t stride, bool normalized) {
  const int64_t pad = weight[2] / 2;
  const Dims channels{weight[0]};
  const ValueId w = parameter(model, graph, name + ".weight", int8_weight(weight, stream_of(name)));
  const ValueId b = parameter(model, graph, name + ".bias", f32_noise(channels, stream_of(name)));
  ValueId out = graph.add("Conv", {input, w, b},
                          {{"kernel_shape", std::vector<int64_t>{weight[2], weight[3]}},
                           {"strides", std::vector<int64_t>{stride, stride}},
                           {"pads", std::vector<int64_t>{pad, pad, pad, pad}}},
                          name);
  if (normalized) {
    std::vector<ValueId> inputs{out};
    for (const char* kind : {"scale", "bias", "mean", "var"}) {
      std::vector<float> values = noise(weight[0], stream_of(name + kind));
      for (float& v : values) v = 1.5F + v;
      inputs.push_back(
          parameter(model, graph, name + ".bn." + kind, Tensor::f32(channels, values)));
    }
    out = graph.add("BatchNormalization", inputs, {{"epsilon", 1e-3}}, name + ".bn");
  }
  return out;
}

std::string difference(const Tensor& a, const Tensor& b) {
  if (a.dims() != b.dims() || a.dtype() != b.dtype()) return "shape or dtype";
  if (a.is_plain() != b.is_plain() || a.layout() != b.layout()) return "layout";
  if ((a.scheme() == nullptr) != (b.scheme() == nullptr)) return "scheme";
  if (a.scheme() && *a.scheme() != *b.scheme()) return "scheme";
  if (a.is_plain()) {
    const ir::BufferView va = a.view();
    const ir::BufferView vb = b.view();
    return std::equal(va.bytes().begin(), va.bytes().end(), vb.bytes().begin(), vb.bytes().end())
               ? ""
               : "bytes";
  }
  for (int i = 0; i < ir::kPartCount; ++i) {
    const Tensor* pa = a.part(static_cast<Part>(i));
    const Tensor* pb = b.part(static_cast<Part>(i));
    if ((pa == nullptr) != (pb == nullptr)) return "parts";
    if (pa && !difference(*pa, *pb).empty()) return std::string(name_of(static_cast<Part>(i)));
  }
  return "";
}

}  // namespace

std::vector<float> noise(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out) value = rng.uniform(-1.0F, 1.0F);
  return out;
}

Tensor int8_weight(Dims dims, uint64_t seed) {
  const std::vector<float> values = noise(ir::element_count(dims), seed);
  std::vector<int8_t> codes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    codes[i] = static_cast<int8_t>(std::lrint(values[i] * 127.0F));
  }
  std::vector<float> scales = noise(dims[0], seed + 1);
  for (float& scale : scales) scale = (2.0F + scale) / 127.0F;
  Tensor::Parts parts;
  parts.set(Part::kCodes, Tensor::of<int8_t>(DType::kI8, dims, codes));
  parts.set(Part::kScales, Tensor::f32({dims[0]}, scales));
  return Tensor::composite(dims, ir::QuantScheme{.axis = 0}, {}, parts);
}

ir::Model small_mlp() {
  ir::Model model;
  ir::Graph graph;
  const ValueId input = graph.add_input("input", {ir::Dim("batch"), 8});
  const ValueId w1 = parameter(model, graph, "layers/0.weight", grouped_u4(1));
  const ValueId b1 = parameter(model, graph, "layers/0.bias", f32_noise({6}, 2));
  const ValueId hidden =
      graph.add("Relu", {graph.add("Gemm", {input, w1, b1}, {{"transB", int64_t{1}}}, "layers/0")});
  const ValueId w2 = parameter(model, graph, "layers/1.weight", int8_weight({300, 6}, 4));
  graph.outputs = {graph.add("Gemm", {hidden, w2}, {{"transB", int64_t{1}}}, "layers/1")};
  graph.value(hidden).quant = ir::ActivationQuant{.scale = 0.1F, .zero_point = 3};
  model.graphs.push_back(std::move(graph));
  ir::infer_shapes(model, model.graphs[0]);
  model.assets["tokenizer"] = ir::Bytes(1000, std::byte{7});
  model.metadata.labels = {"cat", "dog \"quoted\"", "Zürich"};
  model.metadata.preprocessing = {
      .stated = true, .input_scale = 1.0F / 255, .mean = {0.3F}, .std = {0.2F}, .size = {8}};
  model.metadata.source = {{"arch", "mlp:8-6-300"}};
  model.metadata.history = {
      {"train", {{"epochs", 3}}, "0.1.0", 7, {{"data", std::string(64, 'a')}}},
      {"quantize", {{"bits", 4}, {"group_size", 5}}, "0.1.0", 0, Json::object()}};
  return model;
}

ir::Model every_storage() {
  ir::Model model;
  std::vector<uint8_t> third(70);
  for (size_t i = 0; i < third.size(); i += 3) third[i] = 1;
  std::vector<uint8_t> two_of_four(64);
  for (size_t i = 0; i < two_of_four.size(); ++i) two_of_four[i] = i % 4 < 2;
  std::vector<uint8_t> blocks(64);
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = (i / 8) % 2 == 0;
  model.parameters.set("bitmask", sparse({7, 10}, {.kind = ir::SparseKind::kBitmask}, third));
  model.parameters.set(
      "two_of_four", sparse({4, 16}, {.kind = ir::SparseKind::kNOfM, .n = 2, .m = 4}, two_of_four));
  model.parameters.set("block",
                       sparse({8, 8}, {.kind = ir::SparseKind::kBlock, .block = 8}, blocks));
  model.parameters.set("two_level", two_level());
  model.parameters.set("codebook", with_codebook());
  model.parameters.set("grouped", grouped_u4(5));
  model.parameters.set("per_channel", int8_weight({9, 300}, 6));
  model.parameters.set("f32", f32_noise({33, 40}, 7));
  const std::vector<uint16_t> halves(2000, 0x3C00);
  model.parameters.set("f16", Tensor::of<uint16_t>(DType::kF16, {2000}, halves));
  model.parameters.set("bf16", Tensor::of<uint16_t>(DType::kBF16, {40, 50}, halves));
  model.parameters.set("bool",
                       Tensor::of<uint8_t>(DType::kBool, {3}, std::vector<uint8_t>{1, 0, 1}));
  model.parameters.set("i64", Tensor::i64({2}, std::vector<int64_t>{-1, INT64_MAX}));
  model.parameters.set("empty", Tensor::f32({0, 4}, {}));
  model.parameters.set("scalar", Tensor::f32({}, std::vector<float>{2.5F}));
  model.parameters.set("..", f32_noise({700}, 8));
  model.parameters.set("a/b", f32_noise({701}, 9));
  model.parameters.set("a.b", f32_noise({702}, 10));
  return model;
}

ir::Model two_graphs() {
  ir::Model model;
  ir::Graph main;
  const ValueId x = main.add_input("x", {ir::Dim("batch"), 4});
  const ValueId shared = parameter(model, main, "shared", f32_noise({4, 4}, 1));
  main.outputs = {main.add("MatMul", {x, shared}, {}, "encode")};
  ir::Graph decoder;
  decoder.name = "decoder";
  const ValueId token = decoder.add_input("token", {1, 1, 4});
  const ValueId cache = decoder.add_input("keys", {1, ir::Dim("sequence"), 4});
  const ValueId again = decoder.add_parameter("shared", DType::kF32, {4, 4});
  const ValueId key = decoder.add("MatMul", {token, again}, {}, "key");
  const ValueId longer = decoder.add("Concat", {cache, key}, {{"axis", int64_t{1}}}, "append");
  decoder.outputs = {key, longer};
  decoder.states = {{.input = cache, .output = longer, .axis = 1, .capacity = 128}};
  model.graphs = {main, decoder};
  for (ir::Graph& graph : model.graphs) ir::infer_shapes(model, graph);
  return model;
}

ir::Model int8_resnet8() {
  ir::Model model;
  ir::Graph graph;
  ValueId x = graph.add_input("input", {ir::Dim("batch"), 3, 32, 32});
  x = graph.add("Relu", {convolution(model, graph, x, "conv1", {16, 3, 3, 3}, 1, true)});
  int64_t from = 16;
  for (int stage = 1; stage <= 3; ++stage) {
    const int64_t to = int64_t{8} << stage;
    const int64_t stride = stage == 1 ? 1 : 2;
    const std::string name = "stage" + std::to_string(stage);
    ValueId y = convolution(model, graph, x, name + ".conv1", {to, from, 3, 3}, stride, true);
    y = graph.add("Relu", {y});
    y = convolution(model, graph, y, name + ".conv2", {to, to, 3, 3}, 1, true);
    if (stage > 1)
      x = convolution(model, graph, x, name + ".skip", {to, from, 1, 1}, stride, false);
    x = graph.add("Relu", {graph.add("Add", {x, y})});
    from = to;
  }
  x = graph.add("Flatten", {graph.add("GlobalAveragePool", {x})});
  const ValueId w = parameter(model, graph, "dense.weight", int8_weight({10, 64}, 99));
  const ValueId b = parameter(model, graph, "dense.bias", f32_noise({10}, 98));
  graph.outputs = {graph.add("Gemm", {x, w, b}, {{"transB", int64_t{1}}}, "dense")};
  float scale = 0.01F;
  for (const ir::Node& node : std::vector<ir::Node>(graph.nodes())) {
    graph.value(node.outputs[0]).quant =
        ir::ActivationQuant{.scale = scale *= 1.03F, .zero_point = 128};
  }
  model.graphs.push_back(std::move(graph));
  ir::infer_shapes(model, model.graphs[0]);
  for (int i = 0; i < 10; ++i) model.metadata.labels.push_back("class " + std::to_string(i));
  model.metadata.history = {
      {"train",
       {{"epochs", 14}, {"batch_size", 128}},
       "0.1.0",
       7,
       {{"data", std::string(64, 'a')}}},
      {"quantize", {{"scheme", "w8a8"}}, "0.1.0", 0, {{"calibration", std::string(64, 'b')}}}};
  return model;
}

std::string difference(const ir::Model& a, const ir::Model& b) {
  if (a.graphs.size() != b.graphs.size()) return "graph count";
  for (size_t i = 0; i < a.graphs.size(); ++i) {
    if (to_text(ir::to_json(a.graphs[i])) != to_text(ir::to_json(b.graphs[i]))) return "graph";
  }
  if (to_text(ir::to_json(a.metadata)) != to_text(ir::to_json(b.metadata))) return "metadata";
  if (a.assets != b.assets) return "assets";
  const auto& left = a.parameters.entries();
  const auto& right = b.parameters.entries();
  if (left.size() != right.size()) return "tensor count";
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].name != right[i].name) return "tensor order";
    const std::string found = difference(left[i].tensor, right[i].tensor);
    if (!found.empty()) return left[i].name + ": " + found;
  }
  return "";
}

}  // namespace pare::tests
