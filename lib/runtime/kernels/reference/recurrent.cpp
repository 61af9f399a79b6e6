// SPDX-License-Identifier: Apache-2.0
// LSTM, GRU and RNN of ONNX: both directions, peepholes, sequence lengths, either layout, the
// activations that ONNX names. One time step of one sequence at a time.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/scalar_functions.hpp"
#include "lib/runtime/kernels/source.hpp"

namespace pare::runtime::reference {

namespace {

std::vector<double> numbers(const ir::Node& node, const char* key) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return {};
  if (const auto* list = std::get_if<std::vector<double>>(&it->second)) return *list;
  throw Error(node.name, std::string("attribute ") + key + " should be a list of numbers");
}

// Activations that are no operators of their own, or have other defaults here.
ScalarFunction activation(const ir::Node& node, const std::string& name, const double* alpha,
                          const double* beta) {
  if (name == "Affine" || name == "ScaledTanh") {
    const auto a = static_cast<float>(alpha ? *alpha : 1.0);
    const auto b = static_cast<float>(beta ? *beta : name == "Affine" ? 0.0 : 1.0);
    if (name == "Affine") return [=](float x) { return a * x + b; };
    return [=](float x) { return a * std::tanh(b * x); };
  }
  for (const char* known : {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "ThresholdedRelu",
                            "HardSigmoid", "Elu", "Softsign", "Softplus"}) {
    if (name != known) continue;
    ir::Node function{.op = name, .name = node.name};
    if (alpha) function.attributes["alpha"] = *alpha;
    if (beta) function.attributes["beta"] = *beta;
    return scalar_function(function);
  }
  throw Error(node.name, "activation " + name + " of " + node.op);
}

// One list of functions for each direction, in the order of the specification. Parameters are
// handed out in order to the activations that take them.
std::vector<std::vector<ScalarFunction>> activations_of(const ir::Node& node, size_t directions) {
  const std::string default_names = node.op == "LSTM"  ? "Sigmoid,Tanh,Tanh"
                                    : node.op == "GRU" ? "Sigmoid,Tanh"
                                                       : "Tanh";
  std::istringstream text(ir::attr_string(node, "activations", default_names));
  std::vector<std::string> names;
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  const size_t each = node.op == "LSTM" ? 3 : node.op == "GRU" ? 2 : 1;
  if (directions == 2 && names.size() == each) {  // one set serves both
    const std::vector<std::string> once = names;
    names.insert(names.end(), once.begin(), once.end());
  }
  if (names.size() != each * directions) {
    throw Error(node.name, node.op + " has " + std::to_string(names.size()) + " activations");
  }
  const std::vector<double> alphas = numbers(node, "activation_alpha");
  const std::vector<double> betas = numbers(node, "activation_beta");
  std::vector<std::vector<ScalarFunction>> out(directions);
  for (size_t i = 0; i < names.size(); ++i) {
    out[i / each].push_back(activation(node, names[i], i < alphas.size() ? &alphas[i] : nullptr,
                                       i < betas.size() ? &betas[i] : nullptr));
  }
  return out;
}

struct Layer {
  int64_t time = 0, batch = 0, in = 0, hidden = 0, gates = 1;
  size_t directions = 1;
  bool batch_first = false, first_reversed = false;
  bool couple_forget = false;  // LSTM: the forget gate is 1 - the input gate
  bool reset_after = false;    // GRU: linear_before_reset
  float clip = 0.0F;           // 0: no limit
  std::vector<std::vector<ScalarFunction>> functions;

  int64_t x_offset(int64_t t, int64_t b) const {
    return (batch_first ? b * time + t : t * batch + b) * in;
  }
  int64_t y_offset(int64_t t, int64_t b, size_t direction) const {
    const auto d = static_cast<int64_t>(direction);
    const auto ds = static_cast<int64_t>(directions);
    return (batch_first ? (b * time + t) * ds + d : (t * ds + d) * batch + b) * hidden;
  }
  int64_t state_offset(int64_t b, size_t direction) const {
    const auto d = static_cast<int64_t>(direction);
    return (batch_first ? b * static_cast<int64_t>(directions) + d : d * batch + b) * hidden;
  }
  float limited(float x) const { return clip > 0 ? std::clamp(x, -clip, clip) : x; }
};

Layer layer_of(const StepSpec& step) {
  const ir::Dims& x = step.input(0).dims;
  const ir::Dims& r = step.input(2).dims;
  const std::string direction = ir::attr_string(step.node, "direction", "forward");
  Layer layer;
  layer.batch_first = ir::attr_int(step.node, "layout", 0) != 0;
  layer.time = x[layer.batch_first ? 1 : 0];
  layer.batch = x[layer.batch_first ? 0 : 1];
  layer.in = x[2];
  layer.hidden = r[2];
  layer.gates = step.node.op == "LSTM" ? 4 : step.node.op == "GRU" ? 3 : 1;
  layer.directions = direction == "bidirectional" ? 2 : 1;
  layer.first_reversed = direction == "reverse";
  layer.couple_forget = ir::attr_int(step.node, "input_forget", 0) != 0;
  layer.reset_after = ir::attr_int(step.node, "linear_before_reset", 0) != 0;
  layer.clip = ir::attr_float(step.node, "clip", 0.0F);
  layer.functions = activations_of(step.node, layer.directions);
  return layer;
}

// What one direction of one sequence works on; biases and peepholes may be null.
struct Cell {
  const Layer& layer;
  const std::vector<ScalarFunction>& functions;
  const float* r;
  const float* w_bias;
  const float* r_bias;
  const float* peephole;
  float* from_input;  // [gates * hidden]: x W^T + b
  float* from_state;  // [gates * hidden]: h R^T + b
  float* h;
  float* c;
};

// out = bias + M v, M [rows, columns].
void affine(const float* m, const float* v, const float* bias, int64_t rows, int64_t columns,
            float* out) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = bias == nullptr ? 0.0F : bias[i];
    for (int64_t k = 0; k < columns; ++k) sum += m[i * columns + k] * v[k];
    out[i] = sum;
  }
}

void lstm_step(const Cell& s) {
  const int64_t n = s.layer.hidden;
  const auto gate = [&](int64_t g, int64_t i) {
    return s.from_input[g * n + i] + s.from_state[g * n + i];
  };
  const auto peek = [&](int64_t g, int64_t i, float c) {
    return s.peephole == nullptr ? 0.0F : s.peephole[g * n + i] * c;
  };
  const auto& [f, g, h] = std::tie(s.functions[0], s.functions[1], s.functions[2]);
  for (int64_t i = 0; i < n; ++i) {
    const float before = s.c[i];
    const float in = f(s.layer.limited(gate(0, i) + peek(0, i, before)));
    const float forget =
        s.layer.couple_forget ? 1.0F - in : f(s.layer.limited(gate(2, i) + peek(2, i, before)));
    s.c[i] = forget * before + in * g(s.layer.limited(gate(3, i)));
    const float out = f(s.layer.limited(gate(1, i) + peek(1, i, s.c[i])));
    s.h[i] = out * h(s.c[i]);
  }
}

void gru_step(const Cell& s) {
  const int64_t n = s.layer.hidden;
  const auto& [f, g] = std::tie(s.functions[0], s.functions[1]);
  float* update = s.from_input;
  float* reset = s.from_input + n;
  float* candidate = s.from_input + 2 * n;
  for (int64_t i = 0; i < n; ++i) {
    update[i] = f(s.layer.limited(update[i] + s.from_state[i]));
    reset[i] = f(s.layer.limited(reset[i] + s.from_state[n + i]));
  }
  if (!s.layer.reset_after) {
    // The state is reset before its product, which therefore is computed again.
    for (int64_t i = 0; i < n; ++i) s.from_state[i] = reset[i] * s.h[i];
    const float* bias = s.r_bias == nullptr ? nullptr : s.r_bias + 2 * n;
    float* product = s.from_state + 2 * n;
    affine(s.r + 2 * n * n, s.from_state, bias, n, n, product);
  }
  for (int64_t i = 0; i < n; ++i) {
    const float state = s.from_state[2 * n + i] * (s.layer.reset_after ? reset[i] : 1.0F);
    const float next = g(s.layer.limited(candidate[i] + state));
    s.h[i] = (1.0F - update[i]) * next + update[i] * s.h[i];
  }
}

void rnn_step(const Cell& s) {
  for (int64_t i = 0; i < s.layer.hidden; ++i) {
    s.h[i] = s.functions[0](s.layer.limited(s.from_input[i] + s.from_state[i]));
  }
}

}  // namespace

Kernel make_recurrent(const StepSpec& step) {
  const Layer layer = layer_of(step);
  const auto optional = [&](int input) {
    return step.has_input(input) ? FloatSource(step, input) : FloatSource();
  };
  const FloatSource x_source(step, 0), w_source(step, 1), r_source(step, 2);
  const FloatSource b_source = optional(3), h_source = optional(5), c_source = optional(6),
                    p_source = optional(7);
  const bool has_b = step.has_input(3), has_h = step.has_input(5), has_c = step.has_input(6),
             has_p = step.has_input(7), has_lengths = step.has_input(4);
  const ByteSource lengths = has_lengths ? ByteSource(step, 4) : ByteSource();
  const size_t outputs = step.outputs.size();
  const int64_t rows = layer.gates * layer.hidden;
  const auto advance = step.node.op == "LSTM"  ? lstm_step
                       : step.node.op == "GRU" ? gru_step
                                               : rnn_step;
  Kernel kernel{.name = reference_name(step)};
  kernel.scratch_bytes = (2 * rows + 2 * layer.hidden) * static_cast<int64_t>(sizeof(float));
  kernel.run = [=](const RunArgs& args) {
    auto* scratch = reinterpret_cast<float*>(args.scratch);
    const int64_t n = layer.hidden;
    std::fill_n(args.out<float>(),
                layer.time * layer.batch * n * static_cast<int64_t>(layer.directions), 0.0F);
    for (size_t d = 0; d < layer.directions; ++d) {
      const auto at = static_cast<int64_t>(d);
      const float* w = w_source.get(args) + at * rows * layer.in;
      const float* bias = has_b ? b_source.get(args) + at * 2 * rows : nullptr;
      const Cell cell{.layer = layer,
                      .functions = layer.functions[d],
                      .r = r_source.get(args) + at * rows * n,
                      .w_bias = bias,
                      .r_bias = bias == nullptr ? nullptr : bias + rows,
                      .peephole = has_p ? p_source.get(args) + at * 3 * n : nullptr,
                      .from_input = scratch,
                      .from_state = scratch + rows,
                      .h = scratch + 2 * rows,
                      .c = scratch + 2 * rows + n};
      for (int64_t b = 0; b < layer.batch; ++b) {
        const int64_t state = layer.state_offset(b, d);
        const auto load = [&](bool given, const FloatSource& source, float* to) {
          for (int64_t i = 0; i < n; ++i) to[i] = given ? source.get(args)[state + i] : 0.0F;
        };
        load(has_h, h_source, cell.h);
        load(has_c, c_source, cell.c);
        const int64_t length =
            has_lengths ? std::clamp<int64_t>(
                              reinterpret_cast<const int32_t*>(lengths.get(args))[b], 0, layer.time)
                        : layer.time;
        for (int64_t i = 0; i < length; ++i) {
          const int64_t t = layer.first_reversed || d == 1 ? length - 1 - i : i;
          affine(w, x_source.get(args) + layer.x_offset(t, b), cell.w_bias, rows, layer.in,
                 cell.from_input);
          affine(cell.r, cell.h, cell.r_bias, rows, n, cell.from_state);
          advance(cell);
          std::copy_n(cell.h, n, args.out<float>() + layer.y_offset(t, b, d));
        }
        if (outputs > 1) std::copy_n(cell.h, n, args.out<float>(1) + state);
        if (outputs > 2) std::copy_n(cell.c, n, args.out<float>(2) + state);
      }
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
