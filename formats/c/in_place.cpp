// SPDX-License-Identifier: Apache-2.0
#include "formats/c/in_place.hpp"

#include <algorithm>

#include "lib/ir/ops.hpp"

namespace pare::formats::c {

namespace {

using runtime::PlannedStep;

// Inputs of the step that its output may overwrite: a residual, operands of equal dims.
std::vector<size_t> overwritable(const PlannedStep& step) {
  const runtime::StepSpec& spec = *step.spec;
  if (spec.has_residual) return {spec.inputs.size() - 1};
  const ir::OpRow* op = ir::find_op(spec.node.op);
  if (op == nullptr || op->weight_input >= 0) return {};
  if (spec.node.op == "BatchNormalization") return {0};
  const bool binary = spec.node.op == "Add" || spec.node.op == "Sub" || spec.node.op == "Mul" ||
                      spec.node.op == "Div";
  if (op->integer != ir::IntegerRule::kTable && !binary) return {};
  std::vector<size_t> out;
  for (size_t i = 0; i < (binary ? 2U : 1U); ++i) {
    if (spec.inputs[i].dims == spec.output().dims) out.push_back(i);
  }
  return out;
}

class Reuse {
 public:
  explicit Reuse(Program& program) : program_(program) {}

  void run() {
    for (size_t s = 0; s < program_.plan.steps.size(); ++s) {
      const PlannedStep& step = program_.plan.steps[s];
      for (const size_t i : overwritable(step)) {
        if (!may_overwrite(s, i)) continue;
        program_.placed[static_cast<size_t>(step.outputs.front())].alias_of =
            program_.root(step.inputs[i]);
        break;
      }
    }
  }

 private:
  bool may_overwrite(size_t s, size_t input) const {
    const PlannedStep& step = program_.plan.steps[s];
    const int in = step.inputs[input];
    const int out = step.outputs.front();
    if (in < 0 || is_port(in) || is_port(out) || last_use(in) != s) return false;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int other = step.inputs[i];
      if (i != input && other >= 0 && program_.root(other) == program_.root(in)) return false;
    }
    const auto& from = program_.placed[static_cast<size_t>(program_.root(in))];
    const auto& to = program_.placed[static_cast<size_t>(out)];
    return to.alias_of < 0 && from.bytes == to.bytes &&
           from.form.quant.has_value() == to.form.quant.has_value();
  }

  bool is_port(int buffer) const {
    const auto same = [&](const Port& port) {
      return program_.root(port.buffer) == program_.root(buffer) ||
             program_.root(port.floats) == program_.root(buffer);
    };
    return std::any_of(program_.inputs.begin(), program_.inputs.end(), same) ||
           std::any_of(program_.outputs.begin(), program_.outputs.end(), same);
  }

  size_t last_use(int buffer) const {
    size_t last = 0;
    for (size_t s = 0; s < program_.plan.steps.size(); ++s) {
      for (const int in : program_.plan.steps[s].inputs) {
        if (in >= 0 && program_.root(in) == program_.root(buffer)) last = s;
      }
    }
    return last;
  }

  Program& program_;
};

}  // namespace

void reuse_dying_inputs(Program& program) { Reuse(program).run(); }

}  // namespace pare::formats::c
