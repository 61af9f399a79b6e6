// SPDX-License-Identifier: Apache-2.0
// Poolings, means and softmax, and the shape that convolutions and poolings share.
#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/runtime/kernels/averaging.hpp"

namespace pare::formats::c {

namespace {

using runtime::StepSpec;

std::string emit_averaging(const Step& step, Source& source) {
  const ir::ActivationQuant& in = *step.spec.input(0).quant;
  const ir::ActivationQuant& out = *step.spec.output().quant;
  return source.record("averaging", step.name + "_averaging",
                       {{"in_zero", literal(in.zero_point)},
                        {"ratio", literal(in.scale / out.scale)},
                        {"zero", literal(out.zero_point)}},
                       3);
}

// Dimensions before, on and after the reduced axes, which have to be neighbours.
struct Axes {
  int64_t outer = 1, middle = 1, inner = 1;
};

Axes neighbouring(const StepSpec& spec, const std::vector<bool>& reduced) {
  Axes axes;
  bool begun = false;
  bool ended = false;
  for (size_t d = 0; d < reduced.size(); ++d) {
    const int64_t size = spec.input(0).dims[d];
    if (size == 1) continue;
    if (reduced[d] && ended) {
      throw Error(
          spec.name,
          spec.node.op + " over axes that are not neighbours cannot be written as C source");
    }
    begun = begun || reduced[d];
    ended = begun && !reduced[d];
    (reduced[d] ? axes.middle : begun ? axes.inner : axes.outer) *= size;
  }
  return axes;
}

}  // namespace

std::string emit_window(const Step& step, Source& source) {
  const runtime::Conv2d g = step.spec.node.op == "Conv" ? runtime::conv_geometry(step.spec)
                                                        : runtime::pool_geometry(step.spec);
  const std::pair<const char*, int64_t> fields[] = {{"batch", g.batch},
                                                    {"channels", g.channels},
                                                    {"height", g.height},
                                                    {"width", g.width},
                                                    {"out_channels", g.out_channels},
                                                    {"out_height", g.out_height},
                                                    {"out_width", g.out_width},
                                                    {"kernel_height", g.kernel_height},
                                                    {"kernel_width", g.kernel_width},
                                                    {"stride_y", g.stride_height},
                                                    {"stride_x", g.stride_width},
                                                    {"pad_top", g.pad_top},
                                                    {"pad_left", g.pad_left},
                                                    {"pad_bottom", g.pad_bottom},
                                                    {"pad_right", g.pad_right},
                                                    {"dilation_y", g.dilation_height},
                                                    {"dilation_x", g.dilation_width},
                                                    {"groups", g.groups}};
  Source::Fields texts;
  for (const auto& [name, value] : fields) {
    if (value > int64_t{1} << 20 || value < -(int64_t{1} << 20)) {
      throw Error(step.spec.name, std::string(name) + " is too large for C source");
    }
    texts.emplace_back(name, literal(value));
  }
  return source.record("window", step.name + "_window", texts, std::ssize(fields));
}

void emit_pool(const Step& step, Source& source) {
  const std::string type = step.spec.integer ? "_u8" : "_f32";
  const std::string window = emit_window(step, source);
  if (step.spec.node.op == "MaxPool") {
    return source.call("max_pool" + type, {window, step.in(0), step.out()});
  }
  std::vector<std::string> arguments = {window};
  if (step.spec.integer) arguments.push_back(emit_averaging(step, source));
  const bool count_pads = ir::attr_int(step.spec.node, "count_include_pad", 0) != 0;
  arguments.insert(arguments.end(), {count_pads ? "1" : "0", step.in(0), step.out()});
  source.call("average_pool" + type, arguments);
}

void emit_mean(const Step& step, Source& source) {
  std::vector<bool> reduced(step.spec.input(0).dims.size(), true);
  if (step.spec.node.op == "GlobalAveragePool") {
    reduced.at(0) = reduced.at(1) = false;
  } else {
    reduced = runtime::reduced_axes(step.spec);
  }
  const Axes axes = neighbouring(step.spec, reduced);
  std::vector<std::string> arguments = {literal(axes.outer), literal(axes.middle),
                                        literal(axes.inner)};
  if (step.spec.integer) arguments.push_back(emit_averaging(step, source));
  arguments.insert(arguments.end(), {step.in(0), step.out()});
  source.call(step.spec.integer ? "mean_u8" : "mean_f32", arguments);
}

void emit_softmax(const Step& step, Source& source) {
  const ir::Dims& dims = step.spec.output().dims;
  std::vector<bool> along(dims.size(), false);
  along.at(runtime::normal_axis(ir::attr_int(step.spec.node, "axis", -1), dims.size())) = true;
  const Axes axes = neighbouring(step.spec, along);
  source.call(
      step.spec.node.op == "LogSoftmax" ? "log_softmax_f32" : "softmax_f32",
      {literal(axes.outer), literal(axes.middle), literal(axes.inner), step.in(0), step.out()});
}

}  // namespace pare::formats::c
