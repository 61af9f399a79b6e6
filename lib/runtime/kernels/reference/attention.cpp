// SPDX-License-Identifier: Apache-2.0
// Attention and RotaryEmbedding of ONNX, operator sets 23 and 24: multi-head and grouped-query,
// masks, a cache of past keys and values.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

// A [batch, heads, time, size] tensor, or [batch, time, heads * size].
struct Heads {
  int64_t batch = 0, heads = 0, time = 0, size = 0;
  bool packed = false;

  Heads() = default;
  Heads(const ir::Dims& dims, int64_t stated_heads) : batch(dims[0]), packed(dims.size() == 3) {
    heads = packed ? stated_heads : dims[1];
    time = dims[packed ? 1 : 2];
    size = packed ? dims[2] / heads : dims[3];
  }
  int64_t offset(int64_t b, int64_t h, int64_t t) const {
    return packed ? ((b * time + t) * heads + h) * size : ((b * heads + h) * time + t) * size;
  }
};

struct Geometry {
  Heads q, k, v, y, past_k, past_v;
  int64_t past = 0, total = 0;
  float scale = 1.0F, softcap = 0.0F;
  bool causal = false;
  int64_t score_stage = 0;  // of output 3: 0 products, 1 capped, 2 masked, 3 probabilities
  ir::Dims mask_dims;       // right-aligned to [batch, heads, time, total]
  std::vector<int64_t> mask_strides;

  int64_t kv_head(int64_t h) const { return h / (q.heads / k.heads); }
};

Geometry geometry_of(const StepSpec& step) {
  Geometry g;
  const int64_t q_heads = ir::attr_int(step.node, "q_num_heads", 0);
  const int64_t kv_heads = ir::attr_int(step.node, "kv_num_heads", 0);
  g.q = Heads(step.input(0).dims, q_heads);
  g.k = Heads(step.input(1).dims, kv_heads);
  g.v = Heads(step.input(2).dims, kv_heads);
  g.y = Heads(step.output().dims, q_heads);
  if (step.has_input(4)) {
    g.past_k = Heads(step.input(4).dims, kv_heads);
    g.past_v = Heads(step.input(5).dims, kv_heads);
    g.past = g.past_k.time;
  }
  g.total = g.past + g.k.time;
  g.scale = ir::attr_float(step.node, "scale", 1.0F / std::sqrt(static_cast<float>(g.q.size)));
  g.softcap = ir::attr_float(step.node, "softcap", 0.0F);
  g.causal = ir::attr_int(step.node, "is_causal", 0) != 0;
  g.score_stage = ir::attr_int(step.node, "qk_matmul_output_mode", 0);
  if (step.has_input(3)) {
    g.mask_dims = step.input(3).dims;
    const std::vector<int64_t> own = row_major_strides(g.mask_dims);
    g.mask_strides.assign(4, 0);
    const size_t shift = 4 - g.mask_dims.size();
    for (size_t d = 0; d < own.size(); ++d) {
      // The last dimension may be shorter than all keys, and is never repeated when it is not 1.
      if (g.mask_dims[d] != 1 || d + 1 == own.size()) g.mask_strides[d + shift] = own[d];
    }
  }
  return g;
}

// What is added to the score of (b, h, i, j): 0, a mask's value, or minus infinity.
struct Bias {
  const Geometry* g = nullptr;
  const float* real = nullptr;
  const uint8_t* flags = nullptr;
  const int64_t* lengths = nullptr;  // keys of each item that are no padding

  float at(int64_t b, int64_t h, int64_t i, int64_t j) const {
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    if (lengths != nullptr && j >= lengths[b]) return kNever;
    // The last query sees the last key that is no padding, or that follows the past.
    const int64_t ahead = lengths != nullptr ? lengths[b] - g->q.time : g->past;
    if (g->causal && j > i + ahead) return kNever;
    if (real == nullptr && flags == nullptr) return 0.0F;
    const auto& s = g->mask_strides;
    const int64_t columns = g->mask_dims.back();
    if (columns != 1 && j >= columns) return kNever;
    const int64_t at = b * s[0] + h * s[1] + i * s[2] + (columns == 1 ? 0 : j * s[3]);
    if (flags != nullptr) return flags[at] != 0 ? 0.0F : kNever;
    return real[at];
  }
};

float dot(const float* a, const float* b, int64_t count) {
  float sum = 0.0F;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// Of scores; a row in which everything is masked becomes zeros.
void softmax_row(float* row, int64_t count) {
  const float largest = *std::max_element(row, row + count);
  if (largest == -std::numeric_limits<float>::infinity()) {
    std::fill_n(row, count, 0.0F);
    return;
  }
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) sum += row[j] = std::exp(row[j] - largest);
  for (int64_t j = 0; j < count; ++j) row[j] = static_cast<float>(row[j] / sum);
}

// Keys or values with those of the past before them.
struct Sequence {
  const float* past;
  const float* now;
  const Heads* past_heads;
  const Heads* heads;

  const float* at(int64_t b, int64_t h, int64_t t) const {
    const int64_t before = past == nullptr ? 0 : past_heads->time;
    if (t < before) return past + past_heads->offset(b, h, t);
    return now + heads->offset(b, h, t - before);
  }
  // As [batch, heads, total, size].
  void copy_to(float* out, int64_t total) const {
    for (int64_t b = 0; b < heads->batch; ++b) {
      for (int64_t h = 0; h < heads->heads; ++h) {
        for (int64_t t = 0; t < total; ++t) out = std::copy_n(at(b, h, t), heads->size, out);
      }
    }
  }
};

// One query: scores of all keys, then the sum of values that they weigh.
void attend(const Geometry& g, const Bias& bias, const float* q, const Sequence& keys,
            const Sequence& values, const std::array<int64_t, 3>& at, float* row, float* stage,
            float* y) {
  const auto [b, h, i] = at;
  const int64_t kv = g.kv_head(h);
  const auto expose = [&](int64_t done) {
    if (stage != nullptr && g.score_stage == done) std::copy_n(row, g.total, stage);
  };
  for (int64_t j = 0; j < g.total; ++j) row[j] = dot(q, keys.at(b, kv, j), g.q.size) * g.scale;
  expose(0);
  for (int64_t j = 0; g.softcap > 0 && j < g.total; ++j) {
    row[j] = g.softcap * std::tanh(row[j] / g.softcap);
  }
  expose(1);
  for (int64_t j = 0; j < g.total; ++j) row[j] += bias.at(b, h, i, j);
  expose(2);
  softmax_row(row, g.total);
  expose(3);
  std::fill_n(y, g.v.size, 0.0F);
  for (int64_t j = 0; j < g.total; ++j) {
    if (row[j] == 0) continue;  // what is masked may hold anything
    const float* v = values.at(b, kv, j);
    for (int64_t d = 0; d < g.v.size; ++d) y[d] += row[j] * v[d];
  }
}

}  // namespace

Kernel make_attention(const StepSpec& step) {
  const Geometry g = geometry_of(step);
  const auto optional = [&](int input) {
    return step.has_input(input) ? ByteSource(step, input) : ByteSource();
  };
  const FloatSource q_source(step, 0), k_source(step, 1), v_source(step, 2);
  const ByteSource mask = optional(3), past_k = optional(4), past_v = optional(5),
                   lengths = optional(6);
  const bool masked = step.has_input(3), has_past = step.has_input(4),
             has_lengths = step.has_input(6);
  const bool flags = masked && step.input(3).dtype == ir::DType::kBool;
  const size_t outputs = step.outputs.size();
  Kernel kernel{.name = reference_name(step)};
  kernel.scratch_bytes = g.total * static_cast<int64_t>(sizeof(float));
  kernel.run = [=](const RunArgs& args) {
    const auto floats = [&](const ByteSource& source, bool given) {
      return given ? reinterpret_cast<const float*>(source.get(args)) : nullptr;
    };
    const Bias bias{
        .g = &g,
        .real = floats(mask, masked && !flags),
        .flags = flags ? reinterpret_cast<const uint8_t*>(mask.get(args)) : nullptr,
        .lengths = has_lengths ? reinterpret_cast<const int64_t*>(lengths.get(args)) : nullptr};
    const Sequence keys{floats(past_k, has_past), k_source.get(args), &g.past_k, &g.k};
    const Sequence values{floats(past_v, has_past), v_source.get(args), &g.past_v, &g.v};
    auto* row = reinterpret_cast<float*>(args.scratch);
    float* stage = outputs > 3 ? args.out<float>(3) : nullptr;
    for (int64_t n = 0; n < g.q.batch * g.q.heads * g.q.time; ++n) {
      const std::array<int64_t, 3> at = {n / g.q.time / g.q.heads, n / g.q.time % g.q.heads,
                                         n % g.q.time};
      attend(g, bias, q_source.get(args) + g.q.offset(at[0], at[1], at[2]), keys, values, at, row,
             stage == nullptr ? nullptr : stage + n * g.total,
             args.out<float>() + g.y.offset(at[0], at[1], at[2]));
    }
    if (outputs > 1) keys.copy_to(args.out<float>(1), g.total);
    if (outputs > 2) values.copy_to(args.out<float>(2), g.total);
  };
  return kernel;
}

// Pairs of elements turned by an angle of their position: (x_i, x_{i + half}), or neighbours when
// interleaved. Elements beyond rotary_embedding_dim stay.
Kernel make_rotary_embedding(const StepSpec& step) {
  const Heads x(step.input(0).dims, ir::attr_int(step.node, "num_heads", 1));
  const int64_t stated = ir::attr_int(step.node, "rotary_embedding_dim", 0);
  const int64_t half = (stated == 0 ? x.size : stated) / 2;
  const bool interleaved = ir::attr_int(step.node, "interleaved", 0) != 0;
  const bool by_position = step.has_input(3);
  const int64_t positions = step.input(1).dims[0];
  const FloatSource source(step, 0), cosines(step, 1), sines(step, 2);
  const IndexSource ids = by_position ? IndexSource(step, 3) : IndexSource();
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t n = 0; n < x.batch * x.heads * x.time; ++n) {
      const int64_t b = n / x.time / x.heads, h = n / x.time % x.heads, t = n % x.time;
      // Without ids the caches are [batch, time, half]; a position that is out of range is 0.
      const int64_t item = b * x.time + t;
      const int64_t angle =
          by_position ? std::max<int64_t>(0, ids.at(args, item, positions)) : item;
      const float* in = source.get(args) + x.offset(b, h, t);
      float* out = args.out<float>() + x.offset(b, h, t);
      std::copy_n(in, x.size, out);
      for (int64_t i = 0; i < half; ++i) {
        const int64_t first = interleaved ? 2 * i : i;
        const int64_t second = interleaved ? 2 * i + 1 : i + half;
        const float c = cosines.get(args)[angle * half + i];
        const float s = sines.get(args)[angle * half + i];
        out[first] = in[first] * c - in[second] * s;
        out[second] = in[first] * s + in[second] * c;
      }
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
