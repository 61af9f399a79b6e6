// SPDX-License-Identifier: Apache-2.0
// The part of oneDNN that changed between versions 2 and 3, behind one interface: primitives_v2.cpp
// and primitives_v3.cpp implement it and the build compiles the one that fits.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::onednn {

struct ConvMemory {
  dnnl::memory::desc source, weights, bias, output;  // bias: zero when absent
};

// Fused post-operations: the residual added elementwise, then the clamp. User-managed scratchpad.
dnnl::primitive_attr attributes(const StepSpec& step, const dnnl::memory::desc& output);

dnnl::convolution_forward::primitive_desc conv_descriptor(const dnnl::engine& engine,
                                                          const ConvMemory& memory,
                                                          const Conv2d& geometry,
                                                          const dnnl::primitive_attr& attributes);

// Whether the primitive would run in oneDNN's own plain loops ("ref:any").
bool is_reference(const std::string& implementation);

}  // namespace pare::runtime::onednn
