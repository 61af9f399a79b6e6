// SPDX-License-Identifier: Apache-2.0
// Operators with weights: linear layers, matrix products, convolutions, normalizations, embeddings.
#include <array>
#include <cmath>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

ValueId transposed(const Call& call, ValueId x) {
  std::vector<int64_t> perm;
  for (int i = 0; i < call.emit.rank(x); ++i) perm.push_back(i);
  std::swap(perm.end()[-1], perm.end()[-2]);
  return call.emit.put("Transpose", {x}, {{"perm", perm}});
}

Value linear(const Call& call) {
  const ValueId x = call.floating("input");
  const at::Tensor weight = call.known_tensor("weight");
  const bool bias = call.has("bias");
  if (call.emit.rank(x) == 2) {
    std::vector<ValueId> inputs{x, call.tensor("weight")};
    if (bias) inputs.push_back(call.tensor("bias"));
    return call.emit.put("Gemm", inputs, {{"transB", int64_t{1}}});
  }
  ValueId matrix;
  if (weight.defined()) {
    const at::Tensor turned = weight.t().contiguous();
    call.emit.name_tensor(turned, call.emit.name_of(weight));
    matrix = call.emit.parameter(turned, "weight");
  } else {
    matrix = transposed(call, call.tensor("weight"));
  }
  const ValueId product = call.emit.put("MatMul", {x, matrix});
  return bias ? call.emit.put("Add", {product, call.tensor("bias")}) : product;
}

Value product(const Call& call, const char* left, const char* right) {
  return call.emit.put("MatMul", {call.floating(left), call.floating(right)});
}
Value matmul(const Call& call) { return product(call, "self", "other"); }
Value mm(const Call& call) { return product(call, "self", "mat2"); }

// beta * self + alpha * (a @ b)
Value addmm(const Call& call) {
  return call.emit.put("Gemm",
                       {call.floating("mat1"), call.floating("mat2"), call.floating("self")},
                       {{"alpha", call.number("alpha", 1)}, {"beta", call.number("beta", 1)}});
}
Value baddbmm(const Call& call) {
  if (call.number("alpha", 1) != 1 || call.number("beta", 1) != 1) {
    call.refuse("is supported with alpha and beta 1");
  }
  const ValueId product =
      call.emit.put("MatMul", {call.floating("batch1"), call.floating("batch2")});
  return call.emit.put("Add", {product, call.floating("self")});
}

Value einsum(const Call& call) {
  std::string equation = call.text("equation");
  std::erase(equation, ' ');
  return call.emit.put("Einsum", call.tensors("tensors"), {{"equation", equation}});
}

struct Stride {
  std::vector<int64_t> strides, dilations, pads_begin, pads_end;
};

// `padding` of a convolution: numbers, "valid" or "same" (what is odd goes behind).
Stride geometry(const Call& call, const ir::Dims& kernel) {
  const size_t count = kernel.size();
  Stride out{.strides = call.integers("stride", count),
             .dilations = call.integers("dilation", count)};
  const c10::IValue* text = call.value("padding").plain();
  if (!text || !text->isString()) {
    out.pads_begin = out.pads_end = call.integers("padding", count);
  } else if (text->toStringRef() == "valid") {
    out.pads_begin = out.pads_end = std::vector<int64_t>(count, 0);
  } else {
    for (size_t i = 0; i < count; ++i) {
      const int64_t total = out.dilations[i] * (kernel[i] - 1);
      out.pads_begin.push_back(total / 2);
      out.pads_end.push_back(total - total / 2);
    }
  }
  return out;
}

Value conv_as(const Call& call, const char* input, bool transpose) {
  const ValueId x = call.floating(input);
  const ValueId weight = call.tensor("weight");
  ir::Dims kernel = ir::known_dims(call.emit.shape(weight), "weight");
  if (kernel.size() < 3 || call.emit.rank(x) != static_cast<int>(kernel.size())) {
    call.refuse("takes " + std::to_string(kernel.size()) + " dimensions, got " +
                ir::to_string(call.emit.shape(x)));
  }
  kernel.erase(kernel.begin(), kernel.begin() + 2);
  Stride at = geometry(call, kernel);
  at.pads_begin.insert(at.pads_begin.end(), at.pads_end.begin(), at.pads_end.end());
  Attributes attributes{{"kernel_shape", kernel},
                        {"strides", at.strides},
                        {"dilations", at.dilations},
                        {"pads", at.pads_begin},
                        {"group", call.integer("groups", 1)}};
  if (transpose) attributes["output_padding"] = call.integers("output_padding", kernel.size());
  std::vector<ValueId> inputs{x, weight};
  if (call.has("bias")) inputs.push_back(call.tensor("bias"));
  return call.emit.put(transpose ? "ConvTranspose" : "Conv", inputs, std::move(attributes));
}
Value conv(const Call& call) { return conv_as(call, "input", false); }
Value conv_transpose(const Call& call) { return conv_as(call, "input", true); }
Value convolution(const Call& call) { return conv_as(call, "input", call.flag("transposed")); }

// A normalization's scale or shift by channel; `fill` where the layer has none.
ValueId by_channel(const Call& call, const char* name, int64_t channels, double fill) {
  if (call.has(name)) return call.tensor(name);
  return call.emit.parameter(at::zeros({channels}).fill_(fill), name);
}

int64_t channels_of(const Call& call, ValueId x) {
  const ir::Shape& shape = call.emit.shape(x);
  if (shape.size() < 2 || !shape[1].known()) call.refuse("needs a known number of channels");
  return shape[1].size;
}

Value batch_norm(const Call& call) {
  if (call.flag("training")) call.refuse("normalizes by the batch, as in training");
  const ValueId x = call.floating("input");
  const int64_t channels = channels_of(call, x);
  return call.emit.put(
      "BatchNormalization",
      {x, by_channel(call, "weight", channels, 1), by_channel(call, "bias", channels, 0),
       call.tensor("running_mean"), call.tensor("running_var")},
      {{"epsilon", call.number("eps", 1e-5)}});
}

Value instance_norm(const Call& call) {
  if (!call.flag("use_input_stats")) return batch_norm(call);
  const ValueId x = call.floating("input");
  const int64_t channels = channels_of(call, x);
  return call.emit.put(
      "InstanceNormalization",
      {x, by_channel(call, "weight", channels, 1), by_channel(call, "bias", channels, 0)},
      {{"epsilon", call.number("eps", 1e-5)}});
}

Value group_norm(const Call& call) {
  const ValueId x = call.floating("input");
  const int64_t channels = channels_of(call, x);
  return call.emit.put(
      "GroupNormalization",
      {x, by_channel(call, "weight", channels, 1), by_channel(call, "bias", channels, 0)},
      {{"epsilon", call.number("eps", 1e-5)}, {"num_groups", call.integer("num_groups")}});
}

Value layer_norm(const Call& call) {
  const ValueId x = call.floating("input");
  const ir::Dims over = call.integers("normalized_shape");
  std::vector<ValueId> inputs{x, call.has("weight")
                                     ? call.tensor("weight")
                                     : call.emit.parameter(at::ones(over), "weight")};
  if (call.has("bias")) inputs.push_back(call.tensor("bias"));
  return call.emit.put(
      "LayerNormalization", inputs,
      {{"epsilon", call.number("eps", 1e-5)}, {"axis", -static_cast<int64_t>(over.size())}});
}

Value embedding(const Call& call) {
  return call.emit.put(
      "Gather", {call.tensor("weight"), call.emit.cast(call.tensor("indices"), ir::DType::kI64)},
      {{"axis", int64_t{0}}});
}

// softmax(query @ key^T * scale + mask) @ value
Value attention(const Call& call) {
  if (call.number("dropout_p") != 0) call.refuse("drops values, as in training");
  if (call.has("is_causal") && call.flag("is_causal"))
    call.refuse("is supported without is_causal");
  const ValueId query = call.floating("query");
  const ir::Dim width = call.emit.shape(query).back();
  if (!width.known() || width.size == 0) call.refuse("needs a known number of features");
  const double scale = call.number("scale", 1 / std::sqrt(static_cast<double>(width.size)));
  const ValueId key = transposed(call, call.floating("key"));
  ValueId scores = call.emit.put("MatMul", {query, key});
  scores = call.emit.put("Mul", {scores, call.emit.scalar(scale)});
  if (call.has("attn_mask")) {
    const ValueId mask = call.tensor("attn_mask");
    if (call.emit.dtype(mask) == ir::DType::kBool) {
      scores = call.emit.put("Where", {mask, scores, call.emit.scalar(-1e30)});
    } else {
      scores = call.emit.put("Add", {scores, mask});
    }
  }
  const ValueId weights = call.emit.put("Softmax", {scores}, {{"axis", int64_t{-1}}});
  return call.emit.put("MatMul", {weights, call.floating("value")});
}

constexpr auto kRows = std::to_array<OperatorRow>({
    {"linear", linear},
    {"matmul", matmul},
    {"mm", mm},
    {"bmm", mm},
    {"addmm", addmm},
    {"baddbmm", baddbmm},
    {"einsum", einsum},
    {"conv1d", conv},
    {"conv2d", conv},
    {"conv3d", conv},
    {"conv_transpose1d", conv_transpose},
    {"conv_transpose2d", conv_transpose},
    {"conv_transpose3d", conv_transpose},
    {"convolution", convolution},
    {"_convolution", convolution},
    {"_convolution_mode", conv},
    {"batch_norm", batch_norm},
    {"instance_norm", instance_norm},
    {"group_norm", group_norm},
    {"layer_norm", layer_norm},
    {"embedding", embedding},
    {"scaled_dot_product_attention", attention},
});

}  // namespace

std::span<const OperatorRow> weight_operators() { return kRows; }

}  // namespace pare::formats::torchscript
