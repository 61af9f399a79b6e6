// SPDX-License-Identifier: Apache-2.0
// From a model to a plan: shapes fixed, constants folded, nodes fused, each step given a kernel and
// its operands in the form (codes or f32, layout) that the kernel wants.
#include <algorithm>
#include <set>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/fold.hpp"
#include "lib/runtime/fuse.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/plan.hpp"

namespace pare::runtime {

namespace {

const ir::Graph& chosen_graph(const ir::Model& model, const std::string& name) {
  if (name.empty()) return model.main();
  for (const ir::Graph& graph : model.graphs) {
    if (graph.name == name) return graph;
  }
  throw Error(name, "the model has no graph of this name");
}

bool is_quantized(const ir::Graph& graph) {
  return std::any_of(graph.values().begin(), graph.values().end(),
                     [](const ir::Value& value) { return value.quant.has_value(); });
}

// Replaces the symbolic first dimension of the inputs, and the same symbol elsewhere, by `batch`.
void fix_batch(ir::Graph& graph, int64_t batch) {
  std::set<std::string> symbols;
  for (const ir::ValueId id : graph.inputs) {
    const ir::Shape& shape = graph.value(id).shape;
    if (!shape.empty() && !shape.front().known()) symbols.insert(shape.front().symbol);
  }
  for (const ir::ValueId id : graph.inputs) {
    ir::Value& value = graph.value(id);
    for (ir::Dim& dim : value.shape) {
      if (!dim.known() && symbols.contains(dim.symbol)) dim = ir::Dim(batch);
      if (!dim.known()) {
        throw Error(value.name, "unknown dimension '" + dim.symbol + "'");
      }
    }
  }
}

// Layouts differ only in name when channels or the image have one element.
bool layout_matters(const ir::Dims& dims) {
  return dims.size() == 4 && dims[1] != 1 && dims[2] * dims[3] != 1;
}

bool moves_nothing(const std::string& op) {
  return op == "Identity" || op == "Reshape" || op == "Flatten" || op == "Squeeze" ||
         op == "Unsqueeze";
}

class Planner {
 public:
  Planner(const ir::Model& model, const SessionOptions& options, KernelChoice choice,
          bool portable = false)
      : options_(options), choice_(choice), portable_(portable) {
    prepare(model);
  }

  Plan run() {
    add_inputs();
    for (const Fusion& fusion : fusions()) add_fusion(fusion);
    for (const ir::ValueId id : graph_.outputs) plan_.outputs.push_back(visible(id));
    for (const ir::ValueId id : watched_) plan_.watched.push_back(visible(id));
    place();
    return std::move(plan_);
  }

 private:
  void prepare(const ir::Model& model) {
    const ir::Graph& source = chosen_graph(model, options_.graph);
    std::set<std::string> keep;
    for (const ir::ValueId id : options_.watch) keep.insert(source.value(id).name);
    model_ = model;
    model_.graphs = {source};
    // Codes only exist after fusion, so a quantized graph is always fused.
    optimise_ = portable_ || choice_ != KernelChoice::kReference || is_quantized(source);
    if (optimise_) model_ = fold_batch_norm(model_, keep);
    graph_ = model_.graphs.front();
    fix_batch(graph_, options_.batch);
    fold_constants(model_, graph_);
    for (const ir::ValueId id : options_.watch) {
      const std::string& name = source.value(id).name;
      const ir::ValueId found = graph_.find(name);
      if (!found.valid() || !graph_.value(found).parameter.empty()) {
        throw Error(name, "is a constant and cannot be watched");
      }
      watched_.push_back(found);
    }
    forms_.resize(graph_.values().size());
  }

  std::vector<Fusion> fusions() const {
    if (optimise_) return fuse(model_, graph_, watched_);
    std::vector<Fusion> out;
    for (size_t n = 0; n < graph_.nodes().size(); ++n) {
      out.push_back({.main = ir::NodeId{static_cast<int32_t>(n)}});
    }
    return out;
  }

  // --- buffers
  // -------------------------------------------------------------------------------------

  Operand operand(ir::ValueId id) const {
    if (!id.valid()) return {.present = false};
    const ir::Value& value = graph_.value(id);
    Operand out{.dims = ir::known_dims(value.shape, value.name), .dtype = value.dtype};
    if (!value.parameter.empty()) {
      out.constant = model_.parameters.at(value.parameter);
      out.dtype = computed_dtype(out.constant->dtype());
    } else if (value.quant) {
      out.quant = value.quant;
      out.dtype = ir::DType::kU8;
      if (value.quant->code == ir::DType::kI8) out.quant->zero_point += 128;
      out.quant->code = ir::DType::kU8;
    }
    return out;
  }

  int step_count() const { return static_cast<int>(plan_.steps.size()); }

  int add_buffer(const Operand& form, int alias_of = -1) {
    PlannedBuffer buffer{.form = form, .first_step = step_count(), .last_step = step_count()};
    buffer.bytes = ir::byte_size(form.dtype, form.dims);
    buffer.alias_of = alias_of;
    if (!layout_matters(form.dims)) buffer.form.layout = Layout::kPlain;
    plan_.buffers.push_back(std::move(buffer));
    return static_cast<int>(plan_.buffers.size()) - 1;
  }

  PlannedBuffer& buffer(int id) { return plan_.buffers[static_cast<size_t>(id)]; }
  std::vector<int>& forms(ir::ValueId id) { return forms_[static_cast<size_t>(id.index)]; }

  void add_inputs() {
    for (const ir::ValueId id : graph_.inputs) {
      Operand form = operand(id);
      const bool quantized = form.quant.has_value();
      if (quantized) {
        form.quant.reset();
        form.dtype = ir::DType::kF32;
      }
      const int raw = add_buffer(form);
      buffer(raw).permanent = true;
      forms(id).push_back(raw);
      PlannedValue value{
          .buffer = raw, .as_f32 = form.dtype == ir::DType::kF32 ? raw : -1, .dtype = form.dtype};
      plan_.inputs.push_back(value);
    }
  }

  // --- conversions
  // ---------------------------------------------------------------------------------

  // A buffer that holds value `id` as codes or as f32, in `layout`; made from another form if
  // needed.
  int form_of(ir::ValueId id, bool codes, Layout layout) {
    const Operand as_held = operand(id);
    if (!layout_matters(as_held.dims)) layout = Layout::kPlain;
    const auto fits = [&](int b, bool same_layout) {
      const Operand& form = buffer(b).form;
      return (!as_held.quant || form.quant.has_value() == codes) &&
             (!same_layout || form.layout == layout);
    };
    for (const int b : forms(id)) {
      if (fits(b, true)) return b;
    }
    for (const int b : forms(id)) {
      if (fits(b, false)) return convert(id, b, "Reorder", [&](Operand& f) { f.layout = layout; });
    }
    require(!forms(id).empty(), "a value is used before it is made");
    const int made =
        convert(id, forms(id).front(), codes ? "Quantize" : "Dequantize", [&](Operand& form) {
          form.quant = codes ? as_held.quant : std::nullopt;
          form.dtype = codes ? ir::DType::kU8 : ir::DType::kF32;
        });
    return buffer(made).form.layout == layout ? made : form_of(id, codes, layout);
  }

  template <class Change>
  int convert(ir::ValueId id, int from, const std::string& op, const Change& change) {
    StepSpec spec{.name = graph_.value(id).name, .threads = options_.threads};
    spec.node.op = op;
    spec.node.name = spec.name;
    spec.inputs = {buffer(from).form};
    Operand to = buffer(from).form;
    change(to);
    spec.outputs = {to};
    const int made = add_buffer(to);
    push_step(spec, select_row(spec, choice_), {from}, {made});
    forms(id).push_back(made);
    return made;
  }

  // Makes a constant that is a graph output appear in a buffer.
  void copy_constant(ir::ValueId id) {
    StepSpec spec{.name = graph_.value(id).name, .threads = options_.threads};
    spec.node.op = "Identity";
    spec.node.name = spec.name;
    spec.inputs = {operand(id)};
    spec.outputs = {Operand{.dims = spec.input(0).dims, .dtype = spec.input(0).dtype}};
    const int made = add_buffer(spec.output());
    push_step(spec, select_row(spec, choice_), {-1}, {made});
    forms(id).push_back(made);
  }

  PlannedValue visible(ir::ValueId id) {
    if (!graph_.value(id).parameter.empty() && forms(id).empty()) copy_constant(id);
    const Operand held = operand(id);
    PlannedValue value{.dtype = held.quant ? ir::DType::kF32 : held.dtype};
    value.buffer = form_of(id, held.quant.has_value(), Layout::kPlain);
    value.as_f32 = value.buffer;
    if (held.quant) {
      value.as_f32 = form_of(id, false, Layout::kPlain);
    } else if (held.dtype != ir::DType::kF32) {
      value.as_f32 = convert(id, value.buffer, "Dequantize",
                             [](Operand& form) { form.dtype = ir::DType::kF32; });
      forms(id).pop_back();  // not the value itself: integers stay integers for other steps
    }
    const auto& quant = graph_.value(id).quant;
    value.code_shift = quant && quant->code == ir::DType::kI8 ? 128 : 0;
    for (const int b : {value.buffer, value.as_f32}) buffer(b).permanent = true;
    return value;
  }

  // --- steps
  // ---------------------------------------------------------------------------------------

  StepSpec spec_of(const Fusion& fusion) const {
    StepSpec spec{
        .node = graph_.node(fusion.main), .clamp = fusion.clamp, .threads = options_.threads};
    spec.name = spec.node.name;
    for (const ir::NodeId id : {fusion.add, fusion.activation}) {
      if (id.valid()) spec.name += "+" + graph_.node(id).name;
    }
    for (const ir::ValueId id : spec.node.inputs) spec.inputs.push_back(operand(id));
    spec.has_residual = fusion.add.valid();
    if (spec.has_residual) spec.inputs.push_back(operand(fusion.residual));
    for (const ir::ValueId id : graph_.node(fusion.last()).outputs) {
      spec.outputs.push_back(operand(id));
    }
    return spec;
  }

  void add_fusion(const Fusion& fusion) {
    StepSpec spec = spec_of(fusion);
    std::vector<ir::ValueId> values = spec.node.inputs;
    if (spec.has_residual) values.push_back(fusion.residual);
    const std::vector<ir::ValueId>& made = graph_.node(fusion.last()).outputs;
    spec.integer = runs_in_integers(spec);
    if (moves_nothing(spec.node.op) && !spec.input(0).constant)
      return alias(spec, values[0], made[0]);
    if (!spec.integer) drop_quantization(spec);

    const KernelRow& row = select_row(spec, choice_);
    const Layout layout = layout_for(row, spec, values);
    std::vector<int> inputs;
    for (size_t i = 0; i < values.size(); ++i) {
      Operand& in = spec.inputs[i];
      inputs.push_back(-1);
      if (!in.present || in.constant) continue;
      const bool any = i == 0 && row.layout == RowLayout::kNhwcAnyInput;
      inputs.back() = form_of(values[i], spec.integer,
                              any ? layout_held(values[i]) : wanted(row, in, spec, layout));
      in = buffer(inputs.back()).form;
    }
    std::vector<int> outputs;
    for (size_t i = 0; i < made.size(); ++i) {
      spec.outputs[i].layout = wanted(row, spec.outputs[i], spec, layout);
      if (!layout_matters(spec.outputs[i].dims)) spec.outputs[i].layout = Layout::kPlain;
      outputs.push_back(add_buffer(spec.outputs[i]));
      forms(made[i]).push_back(outputs.back());
    }
    push_step(spec, row, inputs, outputs);
  }

  // A float step on quantized values: conversion steps are inserted around it.
  static void drop_quantization(StepSpec& spec) {
    for (std::vector<Operand>* operands : {&spec.inputs, &spec.outputs}) {
      for (Operand& operand : *operands) {
        if (!operand.quant) continue;
        operand.quant.reset();
        operand.dtype = ir::DType::kF32;
      }
    }
  }

  Layout layout_for(const KernelRow& row, const StepSpec& spec,
                    const std::vector<ir::ValueId>& values) {
    if (row.layout == RowLayout::kNhwc || row.layout == RowLayout::kNhwcAnyInput) {
      return Layout::kNhwc;
    }
    if (row.layout == RowLayout::kPlain) return Layout::kPlain;
    if (row.layout == RowLayout::kAsInput) return layout_held(values.front());
    for (const Operand& in : spec.inputs) {
      const bool other = in.constant || in.dims != spec.output().dims;
      if (in.present && other && ir::element_count(in.dims) != 1) return Layout::kPlain;
    }
    for (const ir::ValueId id : values) {
      if (id.valid() && !forms(id).empty()) return buffer(forms(id).back()).form.layout;
    }
    return Layout::kPlain;
  }

  // The layout that value `id` is in already.
  Layout layout_held(ir::ValueId id) { return buffer(forms(id).front()).form.layout; }

  static Layout wanted(const KernelRow& row, const Operand& operand, const StepSpec& spec,
                       Layout layout) {
    if (operand.dims.size() != 4) return Layout::kPlain;
    if (row.layout == RowLayout::kSame && operand.dims != spec.output().dims) return Layout::kPlain;
    return layout;
  }

  // Reshape and its kin: the output is the input's buffer under other dims.
  void alias(const StepSpec& spec, ir::ValueId from, ir::ValueId to) {
    const bool codes = spec.integer;
    const int source = form_of(from, codes, Layout::kPlain);
    buffer(source).last_step = std::max(buffer(source).last_step, step_count());
    Operand form = spec.output();
    if (!codes && form.quant) {
      form.quant.reset();
      form.dtype = ir::DType::kF32;
    }
    forms(to).push_back(add_buffer(form, source));
  }

  void push_step(const StepSpec& spec, const KernelRow& row, std::vector<int> inputs,
                 std::vector<int> outputs) {
    PlannedStep step{
        .kernel = row.make(spec), .inputs = std::move(inputs), .outputs = std::move(outputs)};
    step.kernel.name += decoded_weights(spec, step.kernel.name);
    step.info = {.node = spec.name,
                 .main = spec.node.name,
                 .op = spec.node.op,
                 .kernel = step.kernel.name,
                 .integer = spec.integer,
                 .output = spec.output().dims};
    if (spec.node.op == "Conv") step.info.macs = conv_macs(spec);
    if (spec.node.op == "Gemm") step.info.macs = matrix_geometry(spec).macs();
    if (spec.node.op == "MatMul") {
      step.info.macs = spec.output().count() * spec.input(0).dims.back();
    }
    for (const std::vector<int>* ids : {&step.inputs, &step.outputs}) {
      for (const int id : *ids) {
        if (id >= 0) buffer(id).last_step = std::max(buffer(id).last_step, step_count());
      }
    }
    if (portable_ || step.kernel.in_place) step.overwrites = overwritable_inputs(spec);
    plan_.packed_bytes += step.kernel.packed_bytes;
    if (portable_) step.spec = spec;
    plan_.steps.push_back(std::move(step));
  }

  // What the step's name must not hide: compressed weights that are held decoded.
  static std::string decoded_weights(const StepSpec& spec, const std::string& kernel) {
    if (spec.inputs.size() < 2 || !spec.input(1).constant) return {};
    const ir::Tensor& weight = *spec.input(1).constant;
    const bool sparse = weight.is_sparse() && !kernel.starts_with("sparse");
    const bool codes = weight.is_quantized() && !spec.integer && !kernel.starts_with("int") &&
                       !kernel.starts_with("sparse-int");
    if (sparse && codes) return ", weights decoded from sparse codes at load";
    if (sparse) return ", weights decoded from sparse at load";
    return codes ? ", weights dequantized at load" : "";
  }

  void place() {
    if (!portable_) {  // what is generated from a portable plan decides for itself
      elide_concats(plan_);
      if (!options_.repeatable_steps) reuse_dying_inputs(plan_.steps, plan_.buffers);
    }
    plan_.scratch_offset = place_buffers(plan_.buffers);
    int64_t scratch = 0;
    for (const PlannedStep& step : plan_.steps)
      scratch = std::max(scratch, step.kernel.scratch_bytes);
    plan_.arena_bytes = plan_.scratch_offset + scratch;
  }

  SessionOptions options_;
  KernelChoice choice_;
  bool portable_ = false;
  bool optimise_ = true;
  ir::Model model_;
  ir::Graph graph_;
  std::vector<ir::ValueId> watched_;
  std::vector<std::vector<int>> forms_;  // buffers a value exists in
  Plan plan_;
};

}  // namespace

Plan make_plan(const ir::Model& model, const SessionOptions& options, KernelChoice choice) {
  return Planner(model, options, choice).run();
}

Plan make_portable_plan(const ir::Model& model) {
  return Planner(model, {}, KernelChoice::kReference, true).run();
}

}  // namespace pare::runtime
