// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/onednn/onednn.hpp"

#include <memory>
#include <optional>
#include <unordered_map>

#include <omp.h>

#include "lib/core/error.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/onednn/primitives.hpp"

namespace pare::runtime::onednn {

namespace {

using dnnl::memory;
using Desc = memory::desc;
using Tag = memory::format_tag;
constexpr auto kF32 = memory::data_type::f32;

// Only asked for caps below the machine's best.
dnnl::cpu_isa dnnl_isa(Isa cap) {
  return cap == Isa::kAvx2 ? dnnl::cpu_isa::avx2 : dnnl::cpu_isa::avx512_core;
}

// oneDNN can be capped once, before its first use. A session made under another cap than the first
// one (only tests do that) does without oneDNN.
struct Library {
  Isa isa;
  dnnl::engine engine;
  Library() : isa(active_isa()) {
    if (isa != best_isa()) dnnl::set_max_cpu_isa(dnnl_isa(isa));
    // It would look for profilers to tell about its kernels all along the library path.
    dnnl::set_jit_profiling_flags(0);
    engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
  }
};
const Library& library() {
  static const Library instance;
  return instance;
}

bool available() { return active_isa() != Isa::kScalar && library().isa == active_isa(); }

// oneDNN takes OpenMP's current maximum, when a primitive is made and when it runs.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(omp_get_max_threads()) {
    if (threads != before_) omp_set_num_threads(threads);
  }
  ~ThreadScope() {
    if (omp_get_max_threads() != before_) omp_set_num_threads(before_);
  }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

// A primitive with its packed weights and the memory objects whose handles a run sets.
struct Bound {
  dnnl::stream stream;
  dnnl::primitive primitive;
  memory source, output, residual, weights, bias, scratchpad;
  std::unordered_map<int, memory> arguments;
  int threads = 1;
  int residual_input = -1;

  explicit Bound(const dnnl::engine& engine) : stream(engine) {}

  void run(const RunArgs& args) {
    const ThreadScope scope(threads);
    source.set_data_handle(const_cast<float*>(args.in<float>(0)));
    output.set_data_handle(args.out<float>());
    if (residual_input >= 0) {
      residual.set_data_handle(const_cast<float*>(args.in<float>(residual_input)));
    }
    scratchpad.set_data_handle(args.scratch);
    primitive.execute(stream, arguments);
  }
};

// Weights in the order the primitive wants.
memory reordered(const Desc& from, const Desc& to, const std::vector<float>& values) {
  const dnnl::engine& engine = library().engine;
  memory plain(from, engine, const_cast<float*>(values.data()));
  memory packed(to, engine);
  dnnl::stream stream(engine);
  dnnl::reorder(plain, packed).execute(stream, plain, packed);
  stream.wait();
  return packed;
}

template <class Descriptor>
Kernel bind_primitive(const StepSpec& step, const Descriptor& descriptor,
                      const dnnl::primitive& primitive, const Desc& stored_weights,
                      const std::vector<float>& bias) {
  const dnnl::engine& engine = library().engine;
  auto bound = std::make_shared<Bound>(engine);
  bound->primitive = primitive;
  bound->threads = step.threads;
  bound->source = memory(descriptor.src_desc(), engine, nullptr);
  bound->output = memory(descriptor.dst_desc(), engine, nullptr);
  bound->scratchpad = memory(descriptor.scratchpad_desc(), engine, nullptr);
  bound->weights =
      reordered(stored_weights, descriptor.weights_desc(), ir::to_f32(*step.input(1).constant));
  bound->arguments = {{DNNL_ARG_SRC, bound->source},
                      {DNNL_ARG_WEIGHTS, bound->weights},
                      {DNNL_ARG_DST, bound->output},
                      {DNNL_ARG_SCRATCHPAD, bound->scratchpad}};
  if (!bias.empty()) {
    bound->bias = reordered(descriptor.bias_desc(), descriptor.bias_desc(), bias);
    bound->arguments.emplace(DNNL_ARG_BIAS, bound->bias);
  }
  if (step.has_residual) {
    bound->residual_input = static_cast<int>(step.inputs.size()) - 1;
    bound->residual = memory(descriptor.dst_desc(), engine, nullptr);
    bound->arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, bound->residual);
  }
  Kernel kernel;
  kernel.packed_bytes =
      static_cast<int64_t>(descriptor.weights_desc().get_size() + bias.size() * 4);
  kernel.scratch_bytes = static_cast<int64_t>(descriptor.scratchpad_desc().get_size());
  kernel.run = [bound](const RunArgs& args) { bound->run(args); };
  return kernel;
}

std::vector<float> bias_of(const StepSpec& step) {
  if (!step.has_input(2)) return {};
  return ir::to_f32(*step.input(2).constant);
}

Desc bias_descriptor(const StepSpec& step, const memory::dims& dims, Tag tag) {
  return step.has_input(2) ? Desc(dims, kF32, tag) : Desc();
}

memory::dims weight_dims(const Conv2d& g) {
  if (g.groups == 1) return {g.out_channels, g.channels, g.kernel_height, g.kernel_width};
  return {g.groups, g.group_out_channels(), g.group_channels(), g.kernel_height, g.kernel_width};
}

using ConvDescriptor = dnnl::convolution_forward::primitive_desc;

// All that a convolution's descriptor depends on.
struct ConvKey {
  Conv2d geometry;
  bool bias = false, residual = false;
  Clamp clamp;
  int threads = 1;
  bool operator==(const ConvKey&) const = default;
};

ConvDescriptor conv_primitive(const StepSpec& step, const Conv2d& g) {
  const ConvMemory memory_descs = {
      .source = Desc({g.batch, g.channels, g.height, g.width}, kF32, Tag::nhwc),
      .weights = Desc(weight_dims(g), kF32, Tag::any),
      .bias = bias_descriptor(step, {g.out_channels}, Tag::x),
      .output = Desc({g.batch, g.out_channels, g.out_height, g.out_width}, kF32, Tag::nhwc)};
  return conv_descriptor(library().engine, memory_descs, g, attributes(step, memory_descs.output));
}

// The last one is kept: a step that is asked about is made next, and oneDNN tries all of its
// implementations for either.
ConvDescriptor known_conv_primitive(const StepSpec& step, const Conv2d& g) {
  static thread_local std::optional<std::pair<ConvKey, ConvDescriptor>> last;
  const ConvKey key{g, step.has_input(2), step.has_residual, step.clamp, step.threads};
  if (!last || !(last->first == key)) last.emplace(key, conv_primitive(step, g));
  return last->second;
}

// Operands that all primitives here need: f32 activations, constant weights and bias.
bool operands_fit(const StepSpec& step) {
  if (step.integer || !available()) return false;
  if (step.input(0).constant || step.input(0).dtype != ir::DType::kF32) return false;
  if (!step.input(1).constant) return false;
  return !step.has_input(2) || step.input(2).constant.has_value();
}

// Whether oneDNN has an optimised implementation. Its exceptions mean that it has none at all.
template <class MakeDescriptor>
bool is_optimised(const StepSpec& step, const MakeDescriptor& make) {
  const ThreadScope scope(step.threads);
  try {
    return !is_reference(make().impl_info_str());
  } catch (const dnnl::error&) {
    return false;
  }
}

}  // namespace

std::string description() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

bool supports_conv(const StepSpec& step) {
  if (!operands_fit(step) || step.input(0).dims.size() != 4) return false;
  return is_optimised(step, [&] { return known_conv_primitive(step, conv_geometry(step)); });
}

namespace {

// oneDNN's exceptions end here: what the library refuses to build is a fact about the step.
template <class Make>
Kernel translated(const StepSpec& step, const Make& make) {
  const ThreadScope scope(step.threads);
  try {
    return make();
  } catch (const dnnl::error& e) {
    throw Error(step.name, std::string("oneDNN: ") + e.what());
  }
}

}  // namespace

Kernel make_conv(const StepSpec& step) {
  const Conv2d g = conv_geometry(step);
  return translated(step, [&] {
    const ConvDescriptor descriptor = known_conv_primitive(step, g);
    const Desc stored(weight_dims(g), kF32, g.groups == 1 ? Tag::oihw : Tag::goihw);
    Kernel kernel = bind_primitive(step, descriptor, dnnl::convolution_forward(descriptor), stored,
                                   bias_of(step));
    kernel.name = "onednn-conv-f32 (" + std::string(descriptor.impl_info_str()) + ")";
    return kernel;
  });
}

}  // namespace pare::runtime::onednn
