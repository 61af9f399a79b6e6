// SPDX-License-Identifier: Apache-2.0
// A runtime plan rearranged for C: the graph's inputs and outputs are the caller's arrays, the rest
// lives in a static arena. The steps between are one function, infer(); conversions between floats
// and codes at its ends are outside it, so that a caller may also pass codes.
#pragma once

#include <string>
#include <vector>

#include "lib/runtime/plan.hpp"

namespace pare::formats::c {

// An input or output of the graph.
struct Port {
  std::string name;   // C identifier of the parameter
  std::string value;  // name in the graph
  ir::Dims dims;
  int buffer = -1;      // what infer() takes or gives
  int floats = -1;      // what run() takes or gives: the same one unless `codes`
  int conversion = -1;  // the step between the two, or -1
  std::optional<ir::ActivationQuant> codes;  // of `buffer`, when it holds codes
  int64_t count() const { return ir::element_count(dims); }
};

struct Program {
  runtime::Plan plan;                          // offsets as the runtime places them
  std::vector<runtime::PlannedBuffer> placed;  // the same buffers, offsets in the C arena
  std::vector<Port> inputs, outputs;
  std::vector<int> steps;    // of infer(), indices into plan.steps
  std::vector<int> scratch;  // a buffer for each plan step with floats of scratch, else -1
  std::vector<bool> exact;   // a buffer's value: the same bits on every machine
  int64_t arena_bytes = 0;
  // i32 sums of the widest row of an integer convolution. Not in the arena: C may assume that
  // memory written as int32_t is not read as float.
  int64_t sums = 0;
  int64_t ram_bytes() const { return arena_bytes + 4 * sums; }

  bool has_codes() const;  // some port of infer() holds codes
  int root(int buffer) const;
  // C expression of the scratch of plan step `step`; "" when it has none.
  std::string scratch_address(int step) const;
  // C expression of a buffer's address inside infer().
  std::string address(int buffer) const;
  // Address outside infer(): ports that hold codes are in the arena.
  std::string arena_address(int buffer) const;
};

// Throws Error where a graph cannot be C: not one of floats, outputs that are inputs, state.
Program make_program(const ir::Model& model);

}  // namespace pare::formats::c
