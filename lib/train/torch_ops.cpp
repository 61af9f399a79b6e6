// SPDX-License-Identifier: Apache-2.0
#include "lib/train/torch_ops.hpp"

#include <algorithm>
#include <limits>

#include "lib/core/error.hpp"

namespace pare::train {

namespace {

using ir::attr_float;
using ir::attr_int;
using ir::attr_ints;
using ir::attr_string;
using Ints = std::vector<int64_t>;

constexpr double kBatchNormMomentum = 0.1;  // weight of the new batch in the running statistics

// Window attributes of Conv and the pools, for `rank` spatial dimensions.
struct Window {
  Ints kernel, strides, dilations, begin, end;
  bool symmetric() const { return begin == end; }
};

// auto_pad SAME_*: output = ceil(input / stride), the odd element at the end (UPPER) or the start.
void pad_to_same(Window& w, at::IntArrayRef input, bool upper) {
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    const int64_t out = (input[i] + w.strides[i] - 1) / w.strides[i];
    const int64_t reach = (out - 1) * w.strides[i] + (w.kernel[i] - 1) * w.dilations[i] + 1;
    const int64_t total = std::max<int64_t>(0, reach - input[i]);
    w.begin[i] = upper ? total / 2 : total - total / 2;
    w.end[i] = total - w.begin[i];
  }
}

Window window_of(const NodeCall& call, Ints kernel) {
  const size_t rank = kernel.size();
  Window w;
  w.strides = attr_ints(call.node, "strides", Ints(rank, 1));
  w.dilations = attr_ints(call.node, "dilations", Ints(rank, 1));
  const Ints pads = attr_ints(call.node, "pads", Ints(2 * rank, 0));
  if (w.strides.size() != rank || w.dilations.size() != rank || pads.size() != 2 * rank ||
      static_cast<size_t>(call.inputs[0].dim()) != rank + 2) {
    throw Error(call.node.name, "strides, dilations or pads do not fit the kernel's rank");
  }
  w.kernel = std::move(kernel);
  w.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  w.end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  const std::string mode = attr_string(call.node, "auto_pad", "NOTSET");
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    pad_to_same(w, call.inputs[0].sizes().slice(2), mode == "SAME_UPPER");
  }
  return w;
}

// Pads the spatial dimensions explicitly: torch's windows only know symmetric padding.
at::Tensor padded(const at::Tensor& x, const Window& w, double value) {
  Ints pads;  // torch: last dimension first
  for (size_t i = w.begin.size(); i-- > 0;) {
    pads.push_back(w.begin[i]);
    pads.push_back(w.end[i]);
  }
  return at::constant_pad_nd(x, pads, value);
}

at::Tensor conv(const NodeCall& call) {
  const at::Tensor& weight = call.inputs[1];
  Window w = window_of(call, weight.sizes().slice(2).vec());
  at::Tensor x = call.inputs[0];
  if (!w.symmetric()) {
    x = padded(x, w, 0);
    w.begin.assign(w.begin.size(), 0);
  }
  const c10::optional<at::Tensor> bias =
      call.has(2) ? c10::optional<at::Tensor>(call.inputs[2]) : c10::nullopt;
  return at::convolution(x, weight, bias, w.strides, w.begin, w.dilations, false,
                         Ints(w.kernel.size(), 0), attr_int(call.node, "group", 1));
}

at::Tensor gemm(const NodeCall& call) {
  const bool trans_a = attr_int(call.node, "transA", 0) != 0;
  const bool trans_b = attr_int(call.node, "transB", 0) != 0;
  const float alpha = attr_float(call.node, "alpha", 1.0F);
  const float beta = attr_float(call.node, "beta", 1.0F);
  const at::Tensor a = trans_a ? call.inputs[0].t() : call.inputs[0];
  const at::Tensor b = trans_b ? call.inputs[1].t() : call.inputs[1];
  if (!call.has(2)) return alpha == 1.0F ? at::mm(a, b) : at::mm(a, b) * alpha;
  return at::addmm(call.inputs[2], a, b, beta, alpha);
}

at::Tensor batch_norm(const NodeCall& call) {
  return at::batch_norm(call.inputs[0], call.inputs[1], call.inputs[2], call.inputs[3],
                        call.inputs[4], call.training, kBatchNormMomentum,
                        attr_float(call.node, "epsilon", 1e-5F), false);
}

at::Tensor max_pool(const NodeCall& call) {
  Window w = window_of(call, attr_ints(call.node, "kernel_shape", {}));
  at::Tensor x = call.inputs[0];
  // torch refuses a padding of more than half the kernel.
  bool explicit_padding = !w.symmetric();
  for (size_t i = 0; i < w.kernel.size(); ++i) explicit_padding |= w.begin[i] > w.kernel[i] / 2;
  if (explicit_padding) {
    x = padded(x, w, -std::numeric_limits<double>::infinity());
    w.begin.assign(w.begin.size(), 0);
  }
  const bool ceil = attr_int(call.node, "ceil_mode", 0) != 0;
  if (w.kernel.size() == 1) {
    return at::max_pool1d(x, w.kernel, w.strides, w.begin, w.dilations, ceil);
  }
  if (w.kernel.size() == 2) {
    return at::max_pool2d(x, w.kernel, w.strides, w.begin, w.dilations, ceil);
  }
  return at::max_pool3d(x, w.kernel, w.strides, w.begin, w.dilations, ceil);
}

at::Tensor average(const at::Tensor& x, const Window& w, bool ceil, bool include_pad) {
  if (w.kernel.size() == 1) {
    return at::avg_pool1d(x, w.kernel, w.strides, w.begin, ceil, include_pad);
  }
  if (w.kernel.size() == 2) {
    return at::avg_pool2d(x, w.kernel, w.strides, w.begin, ceil, include_pad);
  }
  return at::avg_pool3d(x, w.kernel, w.strides, w.begin, ceil, include_pad);
}

at::Tensor average_pool(const NodeCall& call) {
  Window w = window_of(call, attr_ints(call.node, "kernel_shape", {}));
  if (std::ranges::any_of(w.dilations, [](int64_t d) { return d != 1; })) {
    throw Error(call.node.name, "training through a dilated AveragePool is not supported");
  }
  const bool ceil = attr_int(call.node, "ceil_mode", 0) != 0;
  const bool include_pad = attr_int(call.node, "count_include_pad", 0) != 0;
  bool explicit_padding = !w.symmetric();
  for (size_t i = 0; i < w.kernel.size(); ++i) explicit_padding |= w.begin[i] > w.kernel[i] / 2;
  if (!explicit_padding) return average(call.inputs[0], w, ceil, include_pad);
  const at::Tensor sum = padded(call.inputs[0], w, 0);
  const at::Tensor ones = include_pad ? at::Tensor() : padded(at::ones_like(call.inputs[0]), w, 0);
  w.begin.assign(w.begin.size(), 0);
  // The mean over real elements only is mean(x) / mean(1), zeros standing in the padding.
  const at::Tensor mean = average(sum, w, ceil, true);
  return include_pad ? mean : mean / average(ones, w, ceil, true);
}

at::Tensor global_average_pool(const NodeCall& call) {
  Ints axes;
  for (int64_t i = 2; i < call.inputs[0].dim(); ++i) axes.push_back(i);
  return at::mean(call.inputs[0], axes, true);
}

at::Tensor reduce_mean(const NodeCall& call) {
  Ints axes = call.has(1) ? call.integers(1) : attr_ints(call.node, "axes", {});
  if (axes.empty()) {
    if (attr_int(call.node, "noop_with_empty_axes", 0) != 0) return call.inputs[0];
    for (int64_t i = 0; i < call.inputs[0].dim(); ++i) axes.push_back(i);
  }
  return at::mean(call.inputs[0], axes, attr_int(call.node, "keepdims", 1) != 0);
}

at::Tensor clip(const NodeCall& call) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return at::clamp(call.inputs[0], call.scalar(1, -kInfinity), call.scalar(2, kInfinity));
}

at::Tensor hard_sigmoid(const NodeCall& call) {
  const float alpha = attr_float(call.node, "alpha", 0.2F);
  const float beta = attr_float(call.node, "beta", 0.5F);
  return at::clamp(call.inputs[0] * alpha + beta, 0, 1);
}

at::Tensor gelu(const NodeCall& call) {
  return at::gelu(call.inputs[0], attr_string(call.node, "approximate", "none"));
}

constexpr TorchRow kRows[] = {
    {"Conv", conv},
    {"Gemm", gemm},
    {"MatMul", [](const NodeCall& c) { return at::matmul(c.inputs[0], c.inputs[1]); }},
    {"Add", [](const NodeCall& c) { return at::add(c.inputs[0], c.inputs[1]); }},
    {"Sub", [](const NodeCall& c) { return at::sub(c.inputs[0], c.inputs[1]); }},
    {"Mul", [](const NodeCall& c) { return at::mul(c.inputs[0], c.inputs[1]); }},
    {"Div", [](const NodeCall& c) { return at::div(c.inputs[0], c.inputs[1]); }},
    {"Relu", [](const NodeCall& c) { return at::relu(c.inputs[0]); }},
    {"Clip", clip},
    {"Sigmoid", [](const NodeCall& c) { return at::sigmoid(c.inputs[0]); }},
    {"HardSwish", [](const NodeCall& c) { return at::hardswish(c.inputs[0]); }},
    {"HardSigmoid", hard_sigmoid},
    {"Gelu", gelu},
    {"Tanh", [](const NodeCall& c) { return at::tanh(c.inputs[0]); }},
    {"Softmax",
     [](const NodeCall& c) { return at::softmax(c.inputs[0], attr_int(c.node, "axis", -1)); }},
    {"LogSoftmax",
     [](const NodeCall& c) { return at::log_softmax(c.inputs[0], attr_int(c.node, "axis", -1)); }},
    {"BatchNormalization", batch_norm},
    {"MaxPool", max_pool},
    {"AveragePool", average_pool},
    {"GlobalAveragePool", global_average_pool},
    {"ReduceMean", reduce_mean},
};

std::vector<TorchRow> joined() {
  std::vector<TorchRow> rows(std::begin(kRows), std::end(kRows));
  const auto shape_rows = torch_shape_ops();
  rows.insert(rows.end(), shape_rows.begin(), shape_rows.end());
  return rows;
}

}  // namespace

std::vector<int64_t> NodeCall::integers(size_t i) const {
  const at::Tensor& t = inputs[i];
  if (!at::isIntegralType(t.scalar_type(), false)) {
    throw Error(node.name, "input " + std::to_string(i) + " must hold integers");
  }
  const at::Tensor flat = t.to(at::kLong).contiguous();
  const auto* data = flat.data_ptr<int64_t>();
  return {data, data + flat.numel()};
}

double NodeCall::scalar(size_t i, double fallback) const {
  return has(i) ? inputs[i].item().toDouble() : fallback;
}

std::span<const TorchRow> all_torch_ops() {
  static const std::vector<TorchRow> rows = joined();
  return rows;
}

const TorchRow* find_torch_op(std::string_view op) {
  const auto rows = all_torch_ops();
  const auto it = std::ranges::find(rows, op, &TorchRow::op);
  return it == rows.end() ? nullptr : &*it;
}

}  // namespace pare::train
