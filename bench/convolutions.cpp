// SPDX-License-Identifier: Apache-2.0
#include "bench/convolutions.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <unordered_map>

#include <omp.h>

#include "lib/runtime/kernels/onednn/primitives.hpp"
#include "lib/runtime/plan.hpp"

namespace pare::bench {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;
using Clock = std::chrono::steady_clock;

double median_us(const dnnl::primitive& primitive, dnnl::stream& stream,
                 const std::unordered_map<int, memory>& arguments) {
  constexpr int kRuns = 51;
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    const Clock::time_point start = Clock::now();
    primitive.execute(stream, arguments);
    stream.wait();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::ranges::sort(times);
  return times[kRuns / 2];
}

template <class Descriptor>
double alone_us(const dnnl::engine& engine, const Descriptor& descriptor,
                const dnnl::primitive& primitive) {
  dnnl::stream stream(engine);
  // Zeros: what memory holds by chance may be denormal numbers, which take a hundred times as long.
  const auto zeros = [&](const memory::desc& desc) {
    memory out(desc, engine);
    std::memset(out.get_data_handle(), 0, desc.get_size());
    return out;
  };
  const std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, zeros(descriptor.src_desc())},
      {DNNL_ARG_WEIGHTS, zeros(descriptor.weights_desc())},
      {DNNL_ARG_BIAS, zeros(descriptor.bias_desc())},
      {DNNL_ARG_DST, zeros(descriptor.dst_desc())},
      {DNNL_ARG_SCRATCHPAD, memory(descriptor.scratchpad_desc(), engine)}};
  return median_us(primitive, stream, arguments);
}

double convolution_us(const dnnl::engine& engine, const runtime::StepSpec& step,
                      const runtime::Conv2d& g, bool integer) {
  memory::dims weights = {g.out_channels, g.channels, g.kernel_height, g.kernel_width};
  if (g.groups > 1) {
    weights = {g.groups, g.group_out_channels(), g.group_channels(), g.kernel_height,
               g.kernel_width};
  }
  const memory::dims output = {g.batch, g.out_channels, g.out_height, g.out_width};
  const Type codes = integer ? Type::u8 : Type::f32;
  const runtime::onednn::ConvMemory descs = {
      .source = {{g.batch, g.channels, g.height, g.width}, codes, Tag::any},
      .weights = {weights, integer ? Type::s8 : Type::f32, Tag::any},
      .bias = {{g.out_channels}, integer ? Type::s32 : Type::f32, Tag::x},
      .output = {output, codes, Tag::any}};
  runtime::StepSpec plain = step;
  plain.has_residual = false;
  const auto descriptor = runtime::onednn::conv_descriptor(
      engine, descs, g, runtime::onednn::attributes(plain, descs.output));
  return alone_us(engine, descriptor, dnnl::convolution_forward(descriptor));
}

double product_us(const dnnl::engine& engine, const runtime::MatrixProduct& g) {
  const memory::desc input({g.rows, g.depth}, Type::f32, Tag::ab);
  const memory::desc weights({g.depth, g.columns}, Type::f32, Tag::any);
  const memory::desc bias({1, g.columns}, Type::f32, Tag::ab);
  const memory::desc output({g.rows, g.columns}, Type::f32, Tag::ab);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR < 3
  const dnnl::matmul::primitive_desc descriptor({input, weights, bias, output}, attributes, engine);
#else
  const dnnl::matmul::primitive_desc descriptor(engine, input, weights, bias, output, attributes);
#endif
  return alone_us(engine, descriptor, dnnl::matmul(descriptor));
}

}  // namespace

std::map<std::string, double> onednn_convolutions_us(const ir::Model& model, int64_t batch,
                                                     int threads, bool integer) {
  omp_set_num_threads(threads);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  std::map<std::string, double> times;
  const runtime::Plan plan = runtime::make_portable_plan(model);
  for (const runtime::PlannedStep& step : plan.steps) {
    if (step.spec->node.op != "Conv") continue;
    runtime::Conv2d g = runtime::conv_geometry(*step.spec);
    g.batch = batch;
    times[step.info.main] = convolution_us(engine, *step.spec, g, integer);
  }
  return times;
}

std::map<std::string, double> onednn_products_us(const ir::Model& model, int64_t batch,
                                                 int threads) {
  omp_set_num_threads(threads);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  std::map<std::string, double> times;
  const runtime::Plan plan = runtime::make_portable_plan(model);
  for (const runtime::PlannedStep& step : plan.steps) {
    if (step.spec->node.op != "Gemm" || !step.spec->has_input(2)) continue;
    runtime::MatrixProduct g = runtime::matrix_geometry(*step.spec);
    g.rows *= batch;
    times[step.info.main] = product_us(engine, g);
  }
  return times;
}

}  // namespace pare::bench
