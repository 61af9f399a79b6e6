// SPDX-License-Identifier: Apache-2.0
// Operators that only move values: each is a copy between two strided views of its operands.
#include <algorithm>
#include <limits>

#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"
#include "lib/runtime/kernels/requantize.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::formats::c {

namespace {

using runtime::constant_integers;
using runtime::normal_axis;
using runtime::row_major_strides;
using runtime::StepSpec;
using Strides = std::vector<int64_t>;

constexpr size_t kLoops = 4;  // of struct walk

void refuse(const StepSpec& spec, const std::string& what) {
  throw Error(spec.name, spec.node.op + " " + what + " cannot be written as C source");
}

std::string element_bytes(const Step& step) { return step.spec.output().quant ? "1" : "4"; }

std::string offset_by(const std::string& address, int64_t elements) {
  if (elements == 0) return address;
  return address + (elements < 0 ? " - " : " + ") + literal(std::abs(elements));
}

// Copies `dims` elements from input `i`, beginning at element `from`, to the output at `to`.
struct Copy {
  ir::Dims dims;
  Strides read, write;
  int64_t from = 0, to = 0;
};

void emit_copy(const Step& step, Source& source, const Copy& copy, size_t input = 0) {
  source.call("move", {emit_walk(step, source, copy.dims, copy.read, copy.write),
                       offset_by(step.in(input), copy.from), offset_by(step.out(), copy.to),
                       element_bytes(step)});
}

std::string float_constant(const Step& step, Source& source, size_t input) {
  const std::vector<float> values = ir::to_f32(*step.spec.inputs.at(input).constant);
  return source.array(step.name + "_constant", std::span<const float>(values));
}

}  // namespace

std::string emit_walk(const Step& step, Source& source, const ir::Dims& dims, const Strides& a,
                      const Strides& b) {
  ir::Dims size;
  Strides over_a;
  Strides over_b;
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 1) continue;
    // The loop outside goes on where this one ends: they are one.
    if (!size.empty() && over_a.back() == a[d] * dims[d] && over_b.back() == b[d] * dims[d]) {
      size.back() *= dims[d];
      over_a.back() = a[d];
      over_b.back() = b[d];
    } else {
      size.push_back(dims[d]);
      over_a.push_back(a[d]);
      over_b.push_back(b[d]);
    }
  }
  if (size.size() > kLoops) refuse(step.spec, "over more than four dimensions");
  size.insert(size.begin(), kLoops - size.size(), 1);
  over_a.insert(over_a.begin(), kLoops - over_a.size(), 0);
  over_b.insert(over_b.begin(), kLoops - over_b.size(), 0);
  const auto list = [](const std::vector<int64_t>& values) {
    std::string text = "{";
    for (const int64_t v : values) text += (text.size() > 1 ? ", " : "") + literal(v);
    return text + "}";
  };
  source.use("walk");
  return source.record("walk", step.name + "_walk",
                       {{"size", list(size)}, {"a", list(over_a)}, {"b", list(over_b)}},
                       3 * int64_t{kLoops});
}

void emit_transpose(const Step& step, Source& source) {
  const size_t rank = step.spec.input(0).dims.size();
  std::vector<int64_t> order(rank);
  for (size_t d = 0; d < rank; ++d) order[d] = static_cast<int64_t>(rank - 1 - d);
  order = ir::attr_ints(step.spec.node, "perm", order);
  const Strides own = row_major_strides(step.spec.input(0).dims);
  Copy copy{.dims = step.spec.output().dims, .write = row_major_strides(step.spec.output().dims)};
  for (const int64_t d : order) copy.read.push_back(own.at(static_cast<size_t>(d)));
  emit_copy(step, source, copy);
}

void emit_slice(const Step& step, Source& source) {
  const ir::Dims& dims = step.spec.input(0).dims;
  const std::vector<int64_t> starts = constant_integers(step.spec, 1);
  const std::vector<int64_t> ends = constant_integers(step.spec, 2);
  std::vector<int64_t> axes(starts.size());
  for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
  if (step.spec.has_input(3)) axes = constant_integers(step.spec, 3);
  std::vector<int64_t> steps(starts.size(), 1);
  if (step.spec.has_input(4)) steps = constant_integers(step.spec, 4);
  Copy copy{.dims = step.spec.output().dims,
            .read = row_major_strides(dims),
            .write = row_major_strides(step.spec.output().dims)};
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = normal_axis(axes.at(i), dims.size());
    const ir::SliceRange range =
        ir::slice_range(step.spec.node, dims.at(axis), starts[i], ends.at(i), steps.at(i));
    copy.from += range.start * copy.read[axis];
    copy.read[axis] *= range.step;
  }
  emit_copy(step, source, copy);
}

void emit_split(const Step& step, Source& source) {
  const ir::Dims& dims = step.spec.input(0).dims;
  const size_t axis = normal_axis(ir::attr_int(step.spec.node, "axis", 0), dims.size());
  Copy copy{.read = row_major_strides(dims)};
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    copy.dims = step.spec.outputs[i].dims;
    copy.write = row_major_strides(copy.dims);
    Step piece = step;
    piece.outputs = {step.outputs[i]};
    emit_copy(piece, source, copy);
    copy.from += copy.dims[axis] * copy.read[axis];
  }
}

void emit_concat(const Step& step, Source& source) {
  const ir::Dims& dims = step.spec.output().dims;
  const size_t axis = normal_axis(ir::attr_int(step.spec.node, "axis", 0), dims.size());
  Copy copy{.write = row_major_strides(dims)};
  for (size_t i = 0; i < step.spec.inputs.size(); ++i) {
    const runtime::Operand& operand = step.spec.inputs[i];
    Step piece = step;
    if (operand.constant) piece.inputs[i] = float_constant(step, source, i);
    if (operand.count() == 0) continue;
    copy.dims = operand.dims;
    copy.read = row_major_strides(operand.dims);
    if (step.spec.integer && operand.quant != step.spec.output().quant) {
      const auto table = runtime::rescaling_table(*operand.quant, *step.spec.output().quant);
      const std::string name = source.array(step.name + "_table", std::span<const uint8_t>(table));
      source.call("move_codes", {emit_walk(step, source, copy.dims, copy.read, copy.write), name,
                                 piece.in(i), offset_by(step.out(), copy.to)});
    } else {
      emit_copy(piece, source, copy, i);
    }
    copy.to += operand.dims[axis] * copy.write[axis];
  }
}

void emit_pad(const Step& step, Source& source) {
  const StepSpec& spec = step.spec;
  if (ir::attr_string(spec.node, "mode", "constant") != "constant") {
    refuse(spec, "in mode " + ir::attr_string(spec.node, "mode", "constant"));
  }
  const ir::Dims& in = spec.input(0).dims;
  const ir::Dims& out = spec.output().dims;
  const std::vector<int64_t> pads = constant_integers(spec, 1);
  std::vector<int64_t> axes(in.size());
  for (size_t d = 0; d < axes.size(); ++d) axes[d] = static_cast<int64_t>(d);
  if (spec.has_input(3)) axes = constant_integers(spec, 3);
  Copy copy{.dims = in, .read = row_major_strides(in), .write = row_major_strides(out)};
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t d = normal_axis(axes[i], in.size());
    const int64_t begin = pads.at(i);  // negative: elements are cut off
    const int64_t first = std::max<int64_t>(0, -begin);
    const int64_t last = std::min(in[d], out[d] - begin);
    copy.dims[d] = last - first;
    copy.from += first * copy.read[d];
    copy.to += (first + begin) * copy.write[d];
  }
  float value = 0.0F;
  if (spec.has_input(2)) {
    if (!spec.input(2).constant) refuse(spec, "with a value that is not constant");
    value = ir::to_f32(*spec.input(2).constant).at(0);
  }
  const auto& quant = spec.output().quant;
  source.call(quant ? "fill_u8" : "fill_f32",
              {step.out(), literal(spec.output().count()),
               quant ? literal(int64_t{runtime::quantize_u8(value, *quant)}) : literal(value)});
  if (std::ranges::all_of(copy.dims, [](int64_t d) { return d > 0; }))
    emit_copy(step, source, copy);
}

}  // namespace pare::formats::c
