// SPDX-License-Identifier: Apache-2.0
// Which buffers share bytes, and where each lies. Placement is greedy by size (Pisarchyk and Lee
// 2020, "Efficient memory management for deep neural net inference", algorithm 3).
#include <algorithm>

#include "lib/core/checked.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/plan.hpp"

namespace pare::runtime {

namespace {

constexpr int64_t kAlignment = 64;

int root_of(const std::vector<PlannedBuffer>& buffers, int id) {
  while (buffers[static_cast<size_t>(id)].alias_of >= 0) {
    id = buffers[static_cast<size_t>(id)].alias_of;
  }
  return id;
}

// Lifetimes of aliases become their root's.
void merge_aliases(std::vector<PlannedBuffer>& buffers) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].alias_of < 0) continue;
    PlannedBuffer& root = buffers[static_cast<size_t>(root_of(buffers, static_cast<int>(i)))];
    root.first_step = std::min(root.first_step, buffers[i].first_step);
    root.last_step = std::max(root.last_step, buffers[i].last_step);
    root.permanent = root.permanent || buffers[i].permanent;
    root.bytes = std::max(root.bytes, buffers[i].bytes);
  }
}

int64_t offset_in_root(const std::vector<PlannedBuffer>& buffers, int id) {
  int64_t offset = 0;
  for (; buffers[static_cast<size_t>(id)].alias_of >= 0;
       id = buffers[static_cast<size_t>(id)].alias_of) {
    offset += buffers[static_cast<size_t>(id)].alias_offset;
  }
  return offset;
}

// The last step that reads each buffer or one that shares its bytes, by root; -1: none does.
std::vector<int> last_reads(const std::vector<PlannedStep>& steps,
                            const std::vector<PlannedBuffer>& buffers) {
  std::vector<int> last(buffers.size(), -1);
  for (size_t s = 0; s < steps.size(); ++s) {
    for (const int in : steps[s].inputs) {
      if (in >= 0) last[static_cast<size_t>(root_of(buffers, in))] = static_cast<int>(s);
    }
  }
  return last;
}

// Permanent is what any of those that share its bytes is; by root.
std::vector<bool> permanent_roots(const std::vector<PlannedBuffer>& buffers) {
  std::vector<bool> permanent(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    const auto root = static_cast<size_t>(root_of(buffers, static_cast<int>(i)));
    permanent[root] = permanent[root] || buffers[i].permanent;
  }
  return permanent;
}

// Whether the input `at` is there once and its bytes are the step's alone from then on.
bool takes_alone(const PlannedStep& step, size_t at, const std::vector<PlannedBuffer>& buffers) {
  const int root = root_of(buffers, step.inputs[at]);
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const int other = step.inputs[i];
    if (i != at && other >= 0 && root_of(buffers, other) == root) return false;
  }
  return true;
}

bool alive_together(const PlannedBuffer& a, const PlannedBuffer& b) {
  if (a.permanent || b.permanent) return true;
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

}  // namespace

std::vector<size_t> overwritable_inputs(const StepSpec& step) {
  if (step.has_residual) return {step.inputs.size() - 1};
  const ir::OpRow* op = ir::find_op(step.node.op);
  if (op == nullptr || op->weight_input >= 0) return {};
  if (step.node.op == "BatchNormalization") return {0};
  const bool binary = step.node.op == "Add" || step.node.op == "Sub" || step.node.op == "Mul" ||
                      step.node.op == "Div";
  if (op->integer != ir::IntegerRule::kTable && !binary) return {};
  std::vector<size_t> out;
  for (size_t i = 0; i < (binary ? 2U : 1U); ++i) {
    if (step.inputs[i].dims == step.output().dims) out.push_back(i);
  }
  return out;
}

void elide_concats(Plan& plan) {
  std::vector<PlannedBuffer>& buffers = plan.buffers;
  const std::vector<bool> permanent = permanent_roots(buffers);
  for (PlannedStep& step : plan.steps) {
    if (!step.kernel.joins) continue;
    int64_t offset = 0;
    std::vector<int64_t> offsets;
    bool possible = true;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int in = step.inputs[i];
      possible = possible && in >= 0 && buffers[static_cast<size_t>(in)].alias_of < 0 &&
                 !permanent[static_cast<size_t>(in)] && offset % kAlignment == 0 &&
                 takes_alone(step, i, buffers);
      if (!possible) break;
      offsets.push_back(offset);
      offset += buffers[static_cast<size_t>(in)].bytes;
    }
    if (!possible) continue;
    for (size_t i = 0; i < offsets.size(); ++i) {
      PlannedBuffer& piece = buffers[static_cast<size_t>(step.inputs[i])];
      piece.alias_of = step.outputs.front();
      piece.alias_offset = offsets[i];
    }
    step.kernel = {.name = "elided", .run = [](const RunArgs&) {}};
    step.info.kernel = step.kernel.name;
  }
}

void reuse_dying_inputs(const std::vector<PlannedStep>& steps,
                        std::vector<PlannedBuffer>& buffers) {
  std::vector<int> last = last_reads(steps, buffers);
  const std::vector<bool> permanent = permanent_roots(buffers);
  for (size_t s = 0; s < steps.size(); ++s) {
    const PlannedStep& step = steps[s];
    for (const size_t i : step.overwrites) {
      if (step.inputs[i] < 0 || !takes_alone(step, i, buffers)) continue;
      const int root = root_of(buffers, step.inputs[i]);
      const auto from = static_cast<size_t>(root);
      const auto to = static_cast<size_t>(step.outputs.front());
      if (permanent[from] || permanent[to] || last[from] != static_cast<int>(s)) continue;
      if (buffers[to].alias_of >= 0 || buffers[to].bytes != buffers[from].bytes) continue;
      buffers[to].alias_of = root;
      last[from] = std::max(last[from], last[to]);
      break;
    }
  }
}

int64_t place_buffers(std::vector<PlannedBuffer>& buffers) {
  merge_aliases(buffers);
  std::vector<int> order;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].alias_of < 0) order.push_back(static_cast<int>(i));
  }
  const auto at = [&](int id) -> PlannedBuffer& { return buffers[static_cast<size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return at(a).bytes > at(b).bytes; });
  std::vector<int> placed;  // by offset
  int64_t end = 0;
  for (const int id : order) {
    int64_t offset = 0;
    for (const int other : placed) {
      if (!alive_together(at(id), at(other))) continue;
      if (offset + at(id).bytes <= at(other).offset) break;
      const int64_t after = checked_add(at(other).offset, at(other).bytes, "arena");
      offset = std::max(offset, (after + kAlignment - 1) / kAlignment * kAlignment);
    }
    at(id).offset = offset;
    end = std::max(end, checked_add(offset, at(id).bytes, "arena"));
    const auto position = std::upper_bound(placed.begin(), placed.end(), id, [&](int a, int b) {
      return at(a).offset < at(b).offset;
    });
    placed.insert(position, id);
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    const int id = static_cast<int>(i);
    buffers[i].offset = at(root_of(buffers, id)).offset + offset_in_root(buffers, id);
  }
  return (end + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace pare::runtime
