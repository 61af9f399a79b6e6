// SPDX-License-Identifier: Apache-2.0
// What a session executes: steps in order, over buffers placed in one arena. Made once by
// make_plan(); nothing in it changes while it runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/runtime/kernels/kernels.hpp"
#include "lib/runtime/session.hpp"

namespace pare::runtime {

// A piece of the arena. Reshape and its kin share their input's buffer.
struct PlannedBuffer {
  Operand form;  // dims, dtype, quantization and layout of the bytes (never a constant)
  int64_t bytes = 0;
  int first_step = 0;        // written here ...
  int last_step = 0;         // ... and last read here
  bool permanent = false;    // lives through the whole run and between runs
  int alias_of = -1;         // another buffer whose bytes these are ...
  int64_t alias_offset = 0;  // ... from here on
  int64_t offset = 0;        // in the arena, 64-byte aligned
};

struct PlannedStep {
  StepInfo info;
  Kernel kernel;
  std::vector<int> inputs;  // buffer ids, -1 for constants and absent inputs
  std::vector<int> outputs;
  std::vector<size_t> overwrites;  // inputs in whose place output 0 may be written
  std::optional<StepSpec> spec;    // what the kernel was made from: make_portable_plan() only
};

struct PlannedValue {
  int buffer = -1;                    // as the graph holds it (codes when quantized)
  int as_f32 = -1;                    // plain f32, the same buffer when it already is
  ir::DType dtype = ir::DType::kF32;  // as a caller sees it: codes are f32
  int code_shift = 0;  // what to subtract from u8 codes to get the model's codes (128 for i8)
};

struct Plan {
  std::vector<PlannedBuffer> buffers;
  std::vector<PlannedStep> steps;
  std::vector<PlannedValue> inputs, outputs, watched;
  int64_t arena_bytes = 0;
  int64_t scratch_offset = 0;  // scratch of the running step, shared by all steps
  int64_t packed_bytes = 0;
};

Plan make_plan(const ir::Model& model, const SessionOptions& options, KernelChoice choice);
// For code that is generated from a plan: one item, fused like every session, plain loops over
// row-major buffers (the kernels of reference/), and each step keeps its StepSpec.
Plan make_portable_plan(const ir::Model& model);

// Inputs of the step that a kernel which reads an element before it writes the one at the same
// place may overwrite: a residual, operands of equal dims.
std::vector<size_t> overwritable_inputs(const StepSpec& step);

// Joins without a copy: where a Concat's output is its inputs one after the other, the steps before
// write them there, and the Concat is left nothing to do.
void elide_concats(Plan& plan);

// Makes the output of a step an alias of an input that it may overwrite and that nothing needs
// afterwards. Permanent buffers are left alone.
void reuse_dying_inputs(const std::vector<PlannedStep>& steps, std::vector<PlannedBuffer>& buffers);

// Gives every buffer its offset, so that buffers alive at the same step do not overlap: largest
// first, each at the lowest offset that fits. Returns the arena's size. Deterministic.
int64_t place_buffers(std::vector<PlannedBuffer>& buffers);

}  // namespace pare::runtime
