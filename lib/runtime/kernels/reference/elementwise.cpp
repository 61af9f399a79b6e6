// SPDX-License-Identifier: Apache-2.0
// Reference elementwise operators, in f32 and on codes.
#include <array>
#include <cmath>
#include <memory>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/scalar_functions.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

// Two broadcast operands walked together.
struct Broadcast {
  ir::Dims dims;
  std::vector<int64_t> a, b;
  explicit Broadcast(const StepSpec& step)
      : dims(step.output().dims),
        a(broadcast_strides(step.input(0).dims, dims)),
        b(broadcast_strides(step.input(1).dims, dims)) {}
  int64_t offset_b(const std::vector<int64_t>& index) const {
    int64_t offset = 0;
    for (size_t d = 0; d < index.size(); ++d) offset += index[d] * b[d];
    return offset;
  }
};

float apply(std::string_view op, float a, float b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  return a / b;
}

Kernel make_integer_binary(const StepSpec& step) {
  const Broadcast g(step);
  const BinaryRequantize r = binary_requantize(step);
  const ByteSource a_source(step, 0);
  const ByteSource b_source(step, 1);
  Kernel kernel{.name = "reference-" + step.node.op + "-u8"};
  kernel.run = [=, index = std::vector<int64_t>(g.dims.size())](const RunArgs& args) mutable {
    const auto* a = reinterpret_cast<const uint8_t*>(a_source.get(args));
    const auto* b = reinterpret_cast<const uint8_t*>(b_source.get(args));
    walk(g.dims, g.a, index, [&](int64_t i, int64_t at) {
      args.out<uint8_t>()[i] = r.code(a[at], b[g.offset_b(index)]);
    });
  };
  return kernel;
}

}  // namespace

Kernel make_binary(const StepSpec& step) {
  if (step.integer) return make_integer_binary(step);
  const Broadcast g(step);
  const FloatSource a_source(step, 0);
  const FloatSource b_source(step, 1);
  const Clamp clamp = step.clamp;
  Kernel kernel{.name = "reference-" + step.node.op};
  kernel.run = [=, op = step.node.op,
                index = std::vector<int64_t>(g.dims.size())](const RunArgs& args) mutable {
    const float* a = a_source.get(args);
    const float* b = b_source.get(args);
    walk(g.dims, g.a, index, [&](int64_t i, int64_t at) {
      const float y = apply(op, a[at], b[g.offset_b(index)]);
      args.out<float>()[i] = y < clamp.low ? clamp.low : y > clamp.high ? clamp.high : y;
    });
  };
  return kernel;
}

namespace {

Kernel make_table(const StepSpec& step, const ScalarFunction& function) {
  const auto table = std::make_shared<const std::array<uint8_t, 256>>(code_table(step, function));
  const int64_t count = step.output().count();
  Kernel kernel{.name = "reference-table-u8"};
  kernel.packed_bytes = 256;
  kernel.run = [=](const RunArgs& args) {
    const uint8_t* in = args.in<uint8_t>(0);
    uint8_t* out = args.out<uint8_t>();
    const uint8_t* entries = table->data();
    for (int64_t i = 0; i < count; ++i) out[i] = entries[in[i]];
  };
  return kernel;
}

Kernel make_map(const StepSpec& step, const ScalarFunction& function) {
  if (step.integer) return make_table(step, function);
  const FloatSource source(step, 0);
  const int64_t count = step.output().count();
  Kernel kernel{.name = "reference-" + step.node.op};
  kernel.run = [=](const RunArgs& args) {
    const float* in = source.get(args);
    for (int64_t i = 0; i < count; ++i) args.out<float>()[i] = function(in[i]);
  };
  return kernel;
}

}  // namespace

Kernel make_unary(const StepSpec& step) { return make_map(step, scalar_function(step.node)); }

Kernel make_clip(const StepSpec& step) { return make_map(step, clip_function(step)); }

// ONNX BatchNormalization, inference form: y = (x - mean) / sqrt(variance + epsilon) * scale +
// bias.
Kernel make_batch_norm(const StepSpec& step) {
  const FloatSource x_source(step, 0);
  std::array<FloatSource, 4> sources;
  for (int i = 0; i < 4; ++i) sources[static_cast<size_t>(i)] = FloatSource(step, i + 1);
  const float epsilon = ir::attr_float(step.node, "epsilon", 1e-5F);
  const ir::Dims& dims = step.output().dims;
  const int64_t count = step.output().count();
  const int64_t channels = dims.size() < 2 ? 1 : dims[1];
  int64_t inner = 1;
  for (size_t d = 2; d < dims.size(); ++d) inner *= dims[d];
  Kernel kernel{.name = "reference-BatchNormalization"};
  kernel.run = [=](const RunArgs& args) {
    const float* x = x_source.get(args);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t c = i / inner % channels;
      const float scale = sources[0].get(args)[c] / std::sqrt(sources[3].get(args)[c] + epsilon);
      args.out<float>()[i] = (x[i] - sources[2].get(args)[c]) * scale + sources[1].get(args)[c];
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
