// SPDX-License-Identifier: Apache-2.0
// Reference convolutions and matrix products, in f32 and in integers.
#include <algorithm>
#include <memory>

#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/grouped_linear.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

// Calls body(input offset within the image, weight offset within the filter) for every tap of one
// output element that falls inside the image.
template <class Body>
void for_each_tap(const Conv2d& g, int64_t group, int64_t oy, int64_t ox, const Body& body) {
  for (int64_t c = 0; c < g.group_channels(); ++c) {
    for (int64_t ky = 0; ky < g.kernel_height; ++ky) {
      const int64_t y = oy * g.stride_height - g.pad_top + ky * g.dilation_height;
      if (y < 0 || y >= g.height) continue;
      for (int64_t kx = 0; kx < g.kernel_width; ++kx) {
        const int64_t x = ox * g.stride_width - g.pad_left + kx * g.dilation_width;
        if (x < 0 || x >= g.width) continue;
        const int64_t channel = group * g.group_channels() + c;
        body((channel * g.height + y) * g.width + x,
             (c * g.kernel_height + ky) * g.kernel_width + kx);
      }
    }
  }
}

// Calls body(n, oc, oy, ox, i) for every output element, i its row-major index.
template <class Body>
void for_each_output(const Conv2d& g, const Body& body) {
  int64_t i = 0;
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t oc = 0; oc < g.out_channels; ++oc) {
      for (int64_t oy = 0; oy < g.out_height; ++oy) {
        for (int64_t ox = 0; ox < g.out_width; ++ox) body(n, oc, oy, ox, i++);
      }
    }
  }
}

// acc + a * w, wrapping in i32 as vector units do.
int32_t accumulate(int32_t acc, int32_t a, int32_t w) {
  return static_cast<int32_t>(static_cast<uint32_t>(acc) + static_cast<uint32_t>(a * w));
}

float clamped(float x, const Clamp& clamp) {
  x = x < clamp.low ? clamp.low : x;
  return x > clamp.high ? clamp.high : x;
}

void store(const Requantize& r, const RunArgs& args, int64_t i, int32_t acc, int64_t channel,
           const uint8_t* residual) {
  const int32_t extra = residual != nullptr ? residual[i] : 0;
  if (r.to_float) {
    args.out<float>()[i] = r.real(acc, static_cast<size_t>(channel), extra);
  } else {
    args.out<uint8_t>()[i] = r.code(acc, static_cast<size_t>(channel), extra);
  }
}

int residual_index(const StepSpec& step) {
  return step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1;
}

Kernel make_integer_conv(const StepSpec& step) {
  const Conv2d g = conv_geometry(step);
  const auto linear = std::make_shared<const IntegerLinear>(integer_linear(step));
  const int residual_input = residual_index(step);
  Kernel kernel{.name = "reference-conv-u8s8"};
  kernel.packed_bytes = static_cast<int64_t>(linear->weight.size());
  kernel.run = [=](const RunArgs& args) {
    const uint8_t* residual = residual_input < 0 ? nullptr : args.in<uint8_t>(residual_input);
    const int64_t image = g.channels * g.height * g.width;
    const int64_t filter = g.group_channels() * g.taps();
    for_each_output(g, [&](int64_t n, int64_t oc, int64_t oy, int64_t ox, int64_t i) {
      int32_t acc = linear->bias[static_cast<size_t>(oc)];
      const uint8_t* in = args.in<uint8_t>(0) + n * image;
      const int8_t* weight = linear->weight.data() + oc * filter;
      for_each_tap(g, oc / g.group_out_channels(), oy, ox, [&](int64_t at, int64_t tap) {
        acc = accumulate(acc, static_cast<int32_t>(in[at]) - linear->input_zero, weight[tap]);
      });
      store(linear->requantize, args, i, acc, oc, residual);
    });
  };
  return kernel;
}

Kernel make_integer_product(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const auto linear = std::make_shared<const IntegerLinear>(integer_linear(step));
  const int residual_input = residual_index(step);
  Kernel kernel{.name = "reference-gemm-u8s8"};
  kernel.packed_bytes = static_cast<int64_t>(linear->weight.size());
  kernel.run = [=](const RunArgs& args) {
    const uint8_t* residual = residual_input < 0 ? nullptr : args.in<uint8_t>(residual_input);
    const int64_t step_k = g.transposed_b ? 1 : g.columns;
    for (int64_t i = 0; i < g.rows * g.columns; ++i) {
      const int64_t column = i % g.columns;
      const uint8_t* a = args.in<uint8_t>(0) + i / g.columns * g.depth;
      const int8_t* b = linear->weight.data() + (g.transposed_b ? column * g.depth : column);
      int32_t acc = linear->bias[static_cast<size_t>(column)];
      for (int64_t k = 0; k < g.depth; ++k) {
        acc = accumulate(acc, static_cast<int32_t>(a[k]) - linear->input_zero, b[k * step_k]);
      }
      store(linear->requantize, args, i, acc, column, residual);
    }
  };
  return kernel;
}

Kernel make_grouped_product(const StepSpec& step) {
  const auto linear = std::make_shared<const GroupedLinear>(grouped_linear(step));
  const int64_t rows = matrix_geometry(step).rows;
  const int residual_input = residual_index(step);
  Kernel kernel{.name = "reference-gemm-u8s4"};
  kernel.packed_bytes = static_cast<int64_t>(linear->weight.size());
  kernel.run = [=](const RunArgs& args) {
    const GroupedLinear& l = *linear;
    for (int64_t i = 0; i < rows * l.columns; ++i) {
      const int64_t column = i % l.columns;
      const uint8_t* a = args.in<uint8_t>(0) + i / l.columns * l.depth;
      const int8_t* w = l.weight.data() + column * l.depth;
      float total = 0.0F;
      for (int64_t g = 0; g < l.groups; ++g) {
        int32_t sum = 0;
        for (int64_t k = l.group_begin(g); k < l.group_begin(g) + l.group_length(g); ++k) {
          sum += (static_cast<int32_t>(a[k]) - l.input_zero) * w[k];
        }
        total += static_cast<float>(sum) * l.scales[static_cast<size_t>(column * l.groups + g)];
      }
      const int32_t extra = residual_input < 0 ? 0 : args.in<uint8_t>(residual_input)[i];
      const float v = l.value(total, column, extra);
      if (l.output.to_float) {
        args.out<float>()[i] = v;
      } else {
        args.out<uint8_t>()[i] = code_u8(v, l.output.zero);
      }
    }
  };
  return kernel;
}

// MatMul as ONNX (numpy) defines it, any ranks: batch dimensions broadcast, vectors get a unit
// axis.
struct BatchedProduct {
  ir::Dims batch;
  std::vector<int64_t> a_strides, b_strides;
  int64_t rows = 1, depth = 1, columns = 1;
};

BatchedProduct batched_geometry(const StepSpec& step) {
  ir::Dims a = step.input(0).dims;
  ir::Dims b = step.input(1).dims;
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  BatchedProduct g;
  g.rows = a[a.size() - 2];
  g.depth = a.back();
  g.columns = b.back();
  const ir::Dims a_batch(a.begin(), a.end() - 2);
  const ir::Dims b_batch(b.begin(), b.end() - 2);
  const size_t rank = std::max(a_batch.size(), b_batch.size());
  for (size_t i = 0; i < rank; ++i) {
    const auto at = [&](const ir::Dims& dims) {
      return i + dims.size() < rank ? int64_t{1} : dims[i + dims.size() - rank];
    };
    g.batch.push_back(std::max(at(a_batch), at(b_batch)));
  }
  g.a_strides = broadcast_strides(a_batch, g.batch);
  g.b_strides = broadcast_strides(b_batch, g.batch);
  for (int64_t& s : g.a_strides) s *= g.rows * g.depth;
  for (int64_t& s : g.b_strides) s *= g.depth * g.columns;
  return g;
}

Kernel make_matmul(const StepSpec& step) {
  const BatchedProduct g = batched_geometry(step);
  const FloatSource a_source(step, 0);
  const FloatSource b_source(step, 1);
  const int residual_input = residual_index(step);
  const Clamp clamp = step.clamp;
  Kernel kernel{.name = "reference-matmul"};
  kernel.run = [=, index = std::vector<int64_t>(g.batch.size())](const RunArgs& args) mutable {
    const float* residual = residual_input < 0 ? nullptr : args.in<float>(residual_input);
    float* out = args.out<float>();
    walk(g.batch, g.a_strides, index, [&](int64_t n, int64_t a_offset) {
      int64_t b_offset = 0;
      for (size_t d = 0; d < index.size(); ++d) b_offset += index[d] * g.b_strides[d];
      const float* a = a_source.get(args) + a_offset;
      const float* b = b_source.get(args) + b_offset;
      for (int64_t i = 0; i < g.rows * g.columns; ++i) {
        float sum = 0.0F;
        for (int64_t k = 0; k < g.depth; ++k) {
          sum += a[i / g.columns * g.depth + k] * b[k * g.columns + i % g.columns];
        }
        const int64_t at = n * g.rows * g.columns + i;
        out[at] = clamped(residual != nullptr ? sum + residual[at] : sum, clamp);
      }
    });
  };
  return kernel;
}

Kernel make_gemm(const StepSpec& step) {
  const MatrixProduct g = matrix_geometry(step);
  const FloatSource a_source(step, 0);
  const FloatSource b_source(step, 1);
  const bool has_c = step.has_input(2);
  const FloatSource c_source = has_c ? FloatSource(step, 2) : FloatSource();
  const auto c_strides =
      broadcast_strides(has_c ? step.input(2).dims : ir::Dims{}, {g.rows, g.columns});
  const int residual_input = residual_index(step);
  const Clamp clamp = step.clamp;
  Kernel kernel{.name = "reference-gemm"};
  kernel.run = [=](const RunArgs& args) {
    const float* residual = residual_input < 0 ? nullptr : args.in<float>(residual_input);
    const float* a = a_source.get(args);
    const float* b = b_source.get(args);
    for (int64_t i = 0; i < g.rows * g.columns; ++i) {
      const int64_t row = i / g.columns;
      const int64_t column = i % g.columns;
      float sum = 0.0F;
      for (int64_t k = 0; k < g.depth; ++k) {
        sum += a[g.transposed_a ? k * g.rows + row : row * g.depth + k] *
               b[g.transposed_b ? column * g.depth + k : k * g.columns + column];
      }
      sum *= g.alpha;
      if (has_c) sum += g.beta * c_source.get(args)[row * c_strides[0] + column * c_strides[1]];
      if (residual != nullptr) sum += residual[i];
      args.out<float>()[i] = clamped(sum, clamp);
    }
  };
  return kernel;
}

}  // namespace

Kernel make_conv(const StepSpec& step) {
  if (step.integer) return make_integer_conv(step);
  if (step.input(0).dims.size() > 4) return make_conv_nd(step);
  const Conv2d g = conv_geometry(step);
  const FloatSource in_source(step, 0);
  const FloatSource weight_source(step, 1);
  const bool has_bias = step.has_input(2);
  const FloatSource bias_source = has_bias ? FloatSource(step, 2) : FloatSource();
  const int residual_input = residual_index(step);
  const Clamp clamp = step.clamp;
  Kernel kernel{.name = "reference-conv"};
  kernel.run = [=](const RunArgs& args) {
    const float* residual = residual_input < 0 ? nullptr : args.in<float>(residual_input);
    const int64_t image = g.channels * g.height * g.width;
    const int64_t filter = g.group_channels() * g.taps();
    for_each_output(g, [&](int64_t n, int64_t oc, int64_t oy, int64_t ox, int64_t i) {
      float sum = has_bias ? bias_source.get(args)[oc] : 0.0F;
      const float* in = in_source.get(args) + n * image;
      const float* weight = weight_source.get(args) + oc * filter;
      for_each_tap(g, oc / g.group_out_channels(), oy, ox,
                   [&](int64_t at, int64_t tap) { sum += in[at] * weight[tap]; });
      if (residual != nullptr) sum += residual[i];
      args.out<float>()[i] = clamped(sum, clamp);
    });
  };
  return kernel;
}

Kernel make_matrix_product(const StepSpec& step) {
  if (step.integer && grouped_runs_in_integers(step)) return make_grouped_product(step);
  if (step.integer) return make_integer_product(step);
  return step.node.op == "Gemm" ? make_gemm(step) : make_matmul(step);
}

}  // namespace pare::runtime::reference
