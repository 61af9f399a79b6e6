// SPDX-License-Identifier: Apache-2.0
// oneDNN 3: primitive descriptors straight from memory descriptors.
#include "lib/runtime/kernels/onednn/primitives.hpp"

namespace pare::runtime::onednn {

using dnnl::memory;

namespace {

void append_clamp(dnnl::post_ops& ops, const Clamp& clamp) {
  const bool relu = clamp.low == 0.0F && clamp.high == Clamp{}.high;
  if (relu) {
    ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  } else {
    ops.append_eltwise(dnnl::algorithm::eltwise_clip, clamp.low, clamp.high);
  }
}

}  // namespace

dnnl::primitive_attr attributes(const StepSpec& step, const memory::desc& output) {
  dnnl::post_ops ops;
  if (step.has_residual) ops.append_binary(dnnl::algorithm::binary_add, output);
  if (step.clamp.active()) append_clamp(ops, step.clamp);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

dnnl::convolution_forward::primitive_desc conv_descriptor(const dnnl::engine& engine,
                                                          const ConvMemory& m, const Conv2d& g,
                                                          const dnnl::primitive_attr& attributes) {
  const memory::dims strides = {g.stride_height, g.stride_width};
  const memory::dims dilations = {g.dilation_height - 1, g.dilation_width - 1};
  const memory::dims begin = {g.pad_top, g.pad_left};
  const memory::dims end = {g.pad_bottom, g.pad_right};
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto direct = dnnl::algorithm::convolution_direct;
  if (m.bias.is_zero()) {
    return {engine,  kind,      direct, m.source, m.weights, m.output,
            strides, dilations, begin,  end,      attributes};
  }
  return {engine,   kind,    direct,    m.source, m.weights, m.bias,
          m.output, strides, dilations, begin,    end,       attributes};
}

bool is_reference(const std::string& implementation) {
  return implementation.find("ref") == 0 && implementation.find("any") != std::string::npos;
}

}  // namespace pare::runtime::onednn
