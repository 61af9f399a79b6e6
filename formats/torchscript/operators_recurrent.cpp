// SPDX-License-Identifier: Apache-2.0
// LSTM and GRU, as layers over a sequence and as cells. Gates are reordered from PyTorch's i f g o
// and r z n to ONNX's i o f c and z r h.
#include <array>

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "formats/torchscript/operators.hpp"

namespace pare::formats::torchscript {

namespace {

using ir::ValueId;

constexpr int64_t kLstmGates = 4;
constexpr int64_t kGruGates = 3;

at::Tensor reordered(const at::Tensor& rows, int64_t gates) {
  const std::vector<at::Tensor> parts = rows.chunk(gates);
  if (gates == kLstmGates) return at::cat({parts[0], parts[3], parts[1], parts[2]});
  return at::cat({parts[1], parts[0], parts[2]});
}

// Weights of one direction, as PyTorch has them.
struct Weights {
  at::Tensor ih, hh, bias_ih, bias_hh;
};

struct Layer {
  std::vector<Weights> directions;
  int64_t gates = kLstmGates;
  std::string suffix;  // "_l0"
};

// The weights, by direction, as ONNX's W, R and B.
std::vector<ValueId> weight_inputs(const Call& call, const Layer& layer) {
  std::vector<at::Tensor> w, r, b;
  for (const Weights& weights : layer.directions) {
    for (const at::Tensor& matrix : {weights.ih, weights.hh}) {
      if (matrix.dim() != 2 || matrix.size(0) != weights.hh.size(1) * layer.gates) {
        call.refuse("has weights of other sizes than such a layer");
      }
    }
    w.push_back(reordered(weights.ih, layer.gates));
    r.push_back(reordered(weights.hh, layer.gates));
    const int64_t rows = weights.ih.size(0);
    const at::Tensor none = at::zeros({rows});
    for (const at::Tensor& bias : {weights.bias_ih, weights.bias_hh}) {
      if (bias.defined() && (bias.dim() != 1 || bias.size(0) != rows)) {
        call.refuse("has biases of other sizes than such a layer");
      }
    }
    b.push_back(
        at::cat({reordered(weights.bias_ih.defined() ? weights.bias_ih : none, layer.gates),
                 reordered(weights.bias_hh.defined() ? weights.bias_hh : none, layer.gates)}));
  }
  return {call.emit.parameter(at::stack(w), "weight_ih" + layer.suffix),
          call.emit.parameter(at::stack(r), "weight_hh" + layer.suffix),
          call.emit.parameter(at::stack(b), "bias" + layer.suffix)};
}

// Outputs Y, Y_h and Y_c (LSTM). x is [time, batch, features]; h and c may be absent.
std::vector<ValueId> recurrent(const Call& call, const Layer& layer, ValueId x, ValueId h,
                               ValueId c) {
  const bool lstm = layer.gates == kLstmGates;
  std::vector<ValueId> inputs{x};
  const std::vector<ValueId> weights = weight_inputs(call, layer);
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  if (h.valid()) inputs.insert(inputs.end(), {ValueId{}, h});
  if (lstm && c.valid()) inputs.push_back(c);
  Attributes attributes{{"hidden_size", layer.directions[0].hh.size(1)}};
  if (layer.directions.size() == 2) attributes["direction"] = std::string("bidirectional");
  // PyTorch multiplies by the reset gate after the recurrent product.
  if (!lstm) attributes["linear_before_reset"] = int64_t{1};
  return call.emit.put_many(lstm ? "LSTM" : "GRU", inputs, std::move(attributes), lstm ? 3 : 2);
}

at::Tensor known(const Call& call, const Value& value) {
  const c10::IValue* plain = value.plain();
  if (!plain || !plain->isTensor()) call.refuse("is supported with constant weights");
  return plain->toTensor();
}

// Rows [first, first + count) of the state of all layers; invalid when it is known to be 0.
ValueId state_of(const Call& call, const Value& state, int64_t first, int64_t count) {
  if (const auto* tensor = state.graph_tensor()) {
    const ValueId id = (*tensor)->id;
    if (call.emit.shape(id).at(0) == ir::Dim(count)) return id;
    return call.emit.put("Slice", {id, call.emit.integers({first}),
                                   call.emit.integers({first + count}), call.emit.integers({0})});
  }
  const at::Tensor all = known(call, state);
  if (all.count_nonzero().item().toLong() == 0) return {};
  return call.emit.parameter(all.narrow(0, first, count).contiguous(), "initial_state");
}

std::vector<Layer> layers_of(const Call& call, int64_t gates, size_t directions) {
  const auto* list = call.value("params").sequence();
  if (!list) call.refuse("is supported with constant weights");
  const size_t each = call.flag("has_biases") ? 4 : 2;
  const auto count = static_cast<size_t>(call.integer("num_layers"));
  if ((*list)->items.size() != each * directions * count) {
    call.refuse("has another number of weights (projections are not supported)");
  }
  std::vector<Layer> out(count);
  auto next = (*list)->items.begin();
  for (size_t i = 0; i < count; ++i) {
    out[i] = {.gates = gates, .suffix = "_l" + std::to_string(i)};
    for (size_t j = 0; j < directions; ++j) {
      Weights weights{.ih = known(call, next[0]), .hh = known(call, next[1])};
      if (each == 4) {
        weights.bias_ih = known(call, next[2]);
        weights.bias_hh = known(call, next[3]);
      }
      out[i].directions.push_back(std::move(weights));
      next += static_cast<std::ptrdiff_t>(each);
    }
  }
  return out;
}

ValueId batch_and_time_swapped(const Call& call, ValueId x) {
  return call.emit.put("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
}

Value sequence(const Call& call, int64_t gates) {
  if (call.flag("train")) call.refuse("runs as in training");
  if (!call.has("input")) call.refuse("is supported for sequences of one length");
  const bool lstm = gates == kLstmGates;
  const bool batch_first = call.flag("batch_first");
  const int64_t directions = call.flag("bidirectional") ? 2 : 1;
  ValueId x = call.floating("input");
  if (call.emit.rank(x) != 3) call.refuse("takes three dimensions");
  if (batch_first) x = batch_and_time_swapped(call, x);
  const Value& given = call.value("hx");
  const auto* both = given.sequence();
  if (lstm && (!both || (*both)->items.size() != 2)) call.refuse("takes two states");
  std::vector<ValueId> last_h, last_c;
  int64_t row = 0;
  for (const Layer& layer : layers_of(call, gates, static_cast<size_t>(directions))) {
    const ValueId h = state_of(call, lstm ? (*both)->items[0] : given, row, directions);
    const ValueId c = lstm ? state_of(call, (*both)->items[1], row, directions) : ValueId{};
    if (h.valid() != c.valid() && lstm) call.refuse("has one state that is 0 and one that is not");
    const std::vector<ValueId> out = recurrent(call, layer, x, h, c);
    // [time, directions, batch, hidden] -> [time, batch, directions * hidden]
    x = call.emit.put("Transpose", {out[0]}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    x = call.emit.put("Reshape", {x, call.emit.integers({0, 0, -1})});
    last_h.push_back(out[1]);
    if (lstm) last_c.push_back(out[2]);
    row += directions;
  }
  const auto joined = [&](const std::vector<ValueId>& parts) {
    return parts.size() == 1 ? parts[0] : call.emit.put("Concat", parts, {{"axis", int64_t{0}}});
  };
  if (batch_first) x = batch_and_time_swapped(call, x);
  if (!lstm) return Value::tuple({x, joined(last_h)});
  return Value::tuple({x, joined(last_h), joined(last_c)});
}
Value lstm(const Call& call) { return sequence(call, kLstmGates); }
Value gru(const Call& call) { return sequence(call, kGruGates); }

// A cell is a layer over a sequence of one.
Value cell(const Call& call, int64_t gates) {
  const bool lstm = gates == kLstmGates;
  const ValueId time = call.emit.integers({0});
  const auto with_time = [&](ValueId x) { return call.emit.put("Unsqueeze", {x, time}); };
  const auto without_time = [&](ValueId x) { return call.emit.put("Squeeze", {x, time}); };
  const auto state = [&](const Value& value) -> ValueId {
    if (const auto* tensor = value.graph_tensor()) return with_time((*tensor)->id);
    const at::Tensor all = known(call, value);
    if (all.count_nonzero().item().toLong() == 0) return {};
    return call.emit.parameter(all.unsqueeze(0).contiguous(), "initial_state");
  };
  Layer layer{.gates = gates, .suffix = ""};
  Weights weights{.ih = call.known_tensor("w_ih"), .hh = call.known_tensor("w_hh")};
  if (!weights.ih.defined() || !weights.hh.defined()) {
    call.refuse("is supported with constant weights");
  }
  if (call.has("b_ih")) weights.bias_ih = call.known_tensor("b_ih");
  if (call.has("b_hh")) weights.bias_hh = call.known_tensor("b_hh");
  layer.directions.push_back(std::move(weights));
  const Value& given = call.value("hx");
  const auto* both = given.sequence();
  if (lstm && (!both || (*both)->items.size() != 2)) call.refuse("takes two states");
  const ValueId h = state(lstm ? (*both)->items[0] : given);
  const ValueId c = lstm ? state((*both)->items[1]) : ValueId{};
  if (lstm && h.valid() != c.valid()) call.refuse("has one state that is 0 and one that is not");
  const std::vector<ValueId> out = recurrent(call, layer, with_time(call.floating("input")), h, c);
  if (!lstm) return without_time(out[1]);
  return Value::tuple({without_time(out[1]), without_time(out[2])});
}
Value lstm_cell(const Call& call) { return cell(call, kLstmGates); }
Value gru_cell(const Call& call) { return cell(call, kGruGates); }

constexpr auto kRows = std::to_array<OperatorRow>({
    {"lstm", lstm},
    {"gru", gru},
    {"lstm_cell", lstm_cell},
    {"gru_cell", gru_cell},
});

}  // namespace

std::span<const OperatorRow> recurrent_operators() { return kRows; }

}  // namespace pare::formats::torchscript
