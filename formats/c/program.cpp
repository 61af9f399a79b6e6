// SPDX-License-Identifier: Apache-2.0
#include "formats/c/program.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "formats/c/identifiers.hpp"
#include "formats/c/literals.hpp"
#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::c {

namespace {

using runtime::PlannedBuffer;
using runtime::PlannedStep;
using runtime::PlannedValue;

class Builder {
 public:
  explicit Builder(const ir::Model& model) : graph_(model.main()) {
    if (!graph_.states.empty()) {
      throw Error(graph_.name, "carries state from run to run: cannot be written as C source");
    }
    program_.plan = runtime::make_portable_plan(model);
    program_.placed = program_.plan.buffers;
  }

  Program build() {
    add_ports();
    for (size_t s = 0; s < plan().steps.size(); ++s) {
      if (!is_conversion(static_cast<int>(s))) program_.steps.push_back(static_cast<int>(s));
    }
    mark_exact();
    keep_ports();
    runtime::reuse_dying_inputs(plan().steps, program_.placed);
    place();
    check_ports();
    return std::move(program_);
  }

 private:
  runtime::Plan& plan() { return program_.plan; }
  const PlannedBuffer& buffer(int id) { return plan().buffers[static_cast<size_t>(id)]; }

  std::vector<int> users(int id) {
    std::vector<int> out;
    for (size_t s = 0; s < plan().steps.size(); ++s) {
      for (const int in : plan().steps[s].inputs) {
        if (in >= 0 && program_.root(in) == program_.root(id)) out.push_back(static_cast<int>(s));
      }
    }
    return out;
  }

  bool aliased(int id) {
    for (size_t b = 0; b < plan().buffers.size(); ++b) {
      if (static_cast<int>(b) != id && program_.root(static_cast<int>(b)) == program_.root(id))
        return true;
    }
    return false;
  }

  Port port_of(const PlannedValue& value, ir::ValueId id, const std::string& name) {
    const std::string& own = graph_.value(id).name;
    if (value.as_f32 < 0 || graph_.value(id).dtype != ir::DType::kF32) {
      throw Error(own, "is not of floats: cannot be written as C source");
    }
    return {.name = name,
            .value = own,
            .dims = buffer(value.as_f32).form.dims,
            .buffer = value.as_f32,
            .floats = value.as_f32};
  }

  void add_ports() {
    Names names({"arena"});
    const auto name_of = [&](size_t count, ir::ValueId id, const char* base) {
      if (count == 1) return names.unique(base);
      return names.unique(std::string(base) + "_" + identifier(graph_.value(id).name));
    };
    for (size_t i = 0; i < plan().inputs.size(); ++i) {
      const std::string name = name_of(plan().inputs.size(), graph_.inputs[i], "input");
      Port port = port_of(plan().inputs[i], graph_.inputs[i], name);
      const std::vector<int> readers = users(port.floats);
      if (readers.size() == 1 && !aliased(port.floats)) take_codes(port, readers.front(), true);
      program_.inputs.push_back(port);
    }
    for (size_t i = 0; i < plan().outputs.size(); ++i) {
      const std::string name = name_of(plan().outputs.size(), graph_.outputs[i], "output");
      Port port = port_of(plan().outputs[i], graph_.outputs[i], name);
      if (users(port.floats).empty() && !aliased(port.floats)) {
        take_codes(port, writer(port.floats), false);
      }
      program_.outputs.push_back(port);
    }
  }

  int writer(int id) {
    for (size_t s = 0; s < plan().steps.size(); ++s) {
      const std::vector<int>& made = plan().steps[s].outputs;
      if (std::find(made.begin(), made.end(), id) != made.end()) return static_cast<int>(s);
    }
    return -1;
  }

  // Leaves the conversion `step` at the port out of infer().
  void take_codes(Port& port, int step, bool entering) {
    if (step < 0) return;
    const PlannedStep& conversion = plan().steps[static_cast<size_t>(step)];
    if (conversion.info.op != (entering ? "Quantize" : "Dequantize")) return;
    const int codes = entering ? conversion.outputs.front() : conversion.inputs.front();
    if (!buffer(codes).form.quant) return;
    port.buffer = codes;
    port.codes = buffer(codes).form.quant;
    port.conversion = step;
  }

  bool is_conversion(int step) const {
    const auto here = [&](const Port& port) { return port.conversion == step; };
    return std::any_of(program_.inputs.begin(), program_.inputs.end(), here) ||
           std::any_of(program_.outputs.begin(), program_.outputs.end(), here);
  }

  void mark_exact() {
    program_.exact.assign(plan().buffers.size(), true);
    for (const PlannedStep& step : plan().steps) {
      bool exact = !rounds(*step.spec);
      for (const int in : step.inputs) {
        exact = exact && (in < 0 || program_.exact[static_cast<size_t>(program_.root(in))]);
      }
      for (const int out : step.outputs) program_.exact[static_cast<size_t>(out)] = exact;
    }
    for (size_t b = 0; b < plan().buffers.size(); ++b) {
      program_.exact[b] = program_.exact[static_cast<size_t>(program_.root(static_cast<int>(b)))];
    }
  }

  // The caller's arrays are not for others to write to.
  void keep_ports() {
    for (const auto* ports : {&program_.inputs, &program_.outputs}) {
      for (const Port& port : *ports) {
        for (const int id : {port.buffer, port.floats}) placed(id).permanent = true;
      }
    }
  }

  PlannedBuffer& placed(int id) { return program_.placed[static_cast<size_t>(program_.root(id))]; }

  // What the caller holds takes no room. All inputs exist before infer(), all outputs after it.
  void place() {
    for (PlannedBuffer& buffer : program_.placed) buffer.permanent = false;
    for (const Port& port : program_.inputs) placed(port.buffer).first_step = 0;
    for (const Port& port : program_.outputs) {
      placed(port.buffer).last_step = std::numeric_limits<int>::max();
    }
    for (const auto* ports : {&program_.inputs, &program_.outputs}) {
      for (const Port& port : *ports) outside(port.floats);
    }
    add_scratch();
    runtime::place_buffers(program_.placed);
    for (const PlannedBuffer& buffer : program_.placed) {
      program_.arena_bytes = std::max(program_.arena_bytes, buffer.offset + buffer.bytes);
    }
    program_.arena_bytes = std::max<int64_t>((program_.arena_bytes + 3) / 4 * 4, 4);
    if (program_.arena_bytes > std::numeric_limits<int32_t>::max()) {
      throw Error(graph_.name, "needs an arena above 2 GB: cannot be written as C source");
    }
  }

  // Aliases are as large as their root, so all of them are emptied.
  void outside(int id) {
    for (size_t b = 0; b < program_.placed.size(); ++b) {
      if (program_.root(static_cast<int>(b)) == program_.root(id)) program_.placed[b].bytes = 0;
    }
  }

  void add_scratch() {
    for (size_t s = 0; s < plan().steps.size(); ++s) {
      program_.scratch.push_back(-1);
      const runtime::StepSpec& spec = *plan().steps[s].spec;
      const int64_t elements = row_scratch(spec);
      if (spec.integer) program_.sums = std::max(program_.sums, elements);
      if (spec.integer || elements == 0) continue;
      program_.scratch.back() = static_cast<int>(program_.placed.size());
      const auto at = static_cast<int>(s);
      PlannedBuffer scratch{.bytes = 4 * elements, .first_step = at, .last_step = at};
      program_.placed.push_back(scratch);
    }
  }

  void check_ports() {
    std::set<int> roots;
    for (const auto* ports : {&program_.inputs, &program_.outputs}) {
      for (const Port& port : *ports) {
        if (!roots.insert(program_.root(port.buffer)).second) {
          throw Error(port.value, "is another input or output: cannot be written as C source");
        }
      }
    }
  }

  const ir::Graph& graph_;
  Program program_;
};

}  // namespace

Program make_program(const ir::Model& model) { return Builder(model).build(); }

bool Program::has_codes() const {
  const auto codes = [](const Port& port) { return port.codes.has_value(); };
  return std::any_of(inputs.begin(), inputs.end(), codes) ||
         std::any_of(outputs.begin(), outputs.end(), codes);
}

int Program::root(int buffer) const {
  while (placed[static_cast<size_t>(buffer)].alias_of >= 0) {
    buffer = placed[static_cast<size_t>(buffer)].alias_of;
  }
  return buffer;
}

std::string Program::scratch_address(int step) const {
  const auto s = static_cast<size_t>(step);
  if (scratch[s] >= 0) return arena_address(scratch[s]);
  const runtime::StepSpec& spec = *plan.steps[s].spec;
  return spec.integer && row_scratch(spec) > 0 ? "row_sums" : "";
}

std::string Program::address(int buffer) const {
  for (const auto* ports : {&inputs, &outputs}) {
    for (const Port& port : *ports) {
      if (root(port.buffer) == root(buffer)) return port.name;
    }
  }
  return arena_address(buffer);
}

std::string Program::arena_address(int buffer) const {
  const PlannedBuffer& place = placed[static_cast<size_t>(buffer)];
  const int64_t size = place.form.quant ? 1 : 4;
  const std::string base = size == 1 ? "arena.bytes" : "arena.floats";
  return place.offset == 0 ? base : base + " + " + literal(place.offset / size);
}

}  // namespace pare::formats::c
