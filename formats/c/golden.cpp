// SPDX-License-Identifier: Apache-2.0
#include "formats/c/golden.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/runtime/kernels/geometry.hpp"

namespace pare::formats::c {

namespace {

using runtime::PlannedBuffer;
using runtime::PlannedStep;

constexpr uint64_t kSeed = 1;

// Codes all over their range, or multiples of 1/256 in [-1, 1]: few digits in the file.
std::vector<float> input_values(const Port& port) {
  Rng rng(kSeed, stream_of("c-self-test:" + port.value));
  std::vector<float> out(static_cast<size_t>(port.count()));
  for (float& x : out) {
    if (port.codes) {
      const auto code = static_cast<int32_t>(rng.below(256));
      x = port.codes->scale * static_cast<float>(code - port.codes->zero_point);
    } else {
      x = static_cast<float>(rng.below(513) - 256) / 256.0F;
    }
  }
  return out;
}

// Products and sums that one output element of the step adds up, in floats.
double terms_of(const runtime::StepSpec& spec) {
  if (!rounds(spec)) return 0;
  const std::string& op = spec.node.op;
  if (op == "Conv") {
    const runtime::Conv2d g = runtime::conv_geometry(spec);
    return static_cast<double>(g.group_channels() * g.taps());
  }
  if (op == "Gemm" || op == "MatMul") {
    return static_cast<double>(runtime::matrix_geometry(spec).depth);
  }
  // Sums of a pool, and functions of libm that are good to a few units in the last place.
  return 16.0 + static_cast<double>(spec.input(0).count()) /
                    static_cast<double>(std::max<int64_t>(spec.output().count(), 1));
}

// Rounding errors of a sum of n terms grow like sqrt(n) units of 2^-24; with a factor of 4 the
// chance that one is larger is below 1e-3 (Higham and Mary 2019, "A new approach to probabilistic
// rounding error analysis", theorem 2.4). Those of the steps add up. Relative to the largest
// output; a code that follows may also be the next one.
float tolerance_of(const Program& program, const Port& port, std::span<const float> values) {
  if (program.exact[static_cast<size_t>(port.buffer)]) return 0.0F;
  double units = 0.0;
  for (const PlannedStep& step : program.plan.steps) units += 4.0 * std::sqrt(terms_of(*step.spec));
  double largest = 0.0;
  for (const float v : values) largest = std::max(largest, std::abs(static_cast<double>(v)));
  double tolerance = units * 0x1p-24 * largest;
  if (port.codes) tolerance = std::max(tolerance, 1.01 * static_cast<double>(port.codes->scale));
  return static_cast<float>(tolerance);
}

class Run {
 public:
  explicit Run(const Program& program)
      : program_(program), arena_(static_cast<size_t>(program.plan.arena_bytes) + 64) {}

  std::byte* at(int buffer) {
    if (buffer < 0) return nullptr;
    // Kernels of reference/ use no vector instructions that need more than 16 bytes' alignment.
    return arena_.data() + program_.plan.buffers[static_cast<size_t>(buffer)].offset;
  }

  void step(const PlannedStep& step) {
    std::vector<std::byte*> inputs;
    std::vector<std::byte*> outputs;
    for (const int b : step.inputs) inputs.push_back(at(b));
    for (const int b : step.outputs) outputs.push_back(at(b));
    step.kernel.run({.inputs = inputs,
                     .outputs = outputs,
                     .scratch = arena_.data() + program_.plan.scratch_offset});
  }

  std::vector<float> floats(int buffer, int64_t count) {
    std::vector<float> out(static_cast<size_t>(count));
    std::memcpy(out.data(), at(buffer), out.size() * sizeof(float));
    return out;
  }

 private:
  const Program& program_;
  std::vector<std::byte> arena_;
};

// Whether `step`, which reads `buffer`, or a later one writes where it is.
bool overwritten_from(const Program& program, size_t step, int buffer) {
  const PlannedBuffer& held = program.placed[static_cast<size_t>(buffer)];
  for (size_t s = step; s < program.plan.steps.size(); ++s) {
    std::vector<int> written = program.plan.steps[s].outputs;
    if (program.scratch[s] >= 0) written.push_back(program.scratch[s]);
    for (const int id : written) {
      const PlannedBuffer& other = program.placed[static_cast<size_t>(id)];
      if (other.offset < held.offset + held.bytes && held.offset < other.offset + other.bytes) {
        return true;
      }
    }
  }
  return false;
}

// Inputs of rounding steps that are exact themselves, if they are still there after the run.
std::set<int> checkpoints_of(const Program& program) {
  std::set<int> out;
  for (size_t s = 0; s < program.plan.steps.size(); ++s) {
    const PlannedStep& step = program.plan.steps[s];
    if (!rounds(*step.spec)) continue;
    for (const int in : step.inputs) {
      const bool in_arena = in >= 0 && program.address(in).starts_with("arena");
      const bool computed = in_arena && !program.exact[static_cast<size_t>(step.outputs[0])] &&
                            program.exact[static_cast<size_t>(in)];
      if (computed && !overwritten_from(program, s, in)) out.insert(in);
    }
  }
  return out;
}

Checkpoint read_checkpoint(const Program& program, Run& run, int id) {
  const PlannedBuffer& held = program.plan.buffers[static_cast<size_t>(id)];
  const int64_t count = ir::element_count(held.form.dims);
  Checkpoint point{.buffer = id};
  if (!held.form.quant) {
    point.floats = run.floats(id, count);
  } else {
    const auto* codes = reinterpret_cast<const uint8_t*>(run.at(id));
    point.codes.assign(codes, codes + count);
  }
  return point;
}

}  // namespace

Golden make_golden(const Program& program) {
  Golden golden;
  Run run(program);
  for (const Port& port : program.inputs) {
    golden.inputs.push_back(input_values(port));
    const std::vector<float>& values = golden.inputs.back();
    std::memcpy(run.at(port.floats), values.data(), values.size() * sizeof(float));
  }
  const std::set<int> wanted = checkpoints_of(program);
  for (const PlannedStep& step : program.plan.steps) {
    for (const int in : step.inputs) {
      const bool known = std::ranges::any_of(
          golden.checkpoints, [&](const Checkpoint& point) { return point.buffer == in; });
      if (wanted.contains(in) && !known) {
        golden.checkpoints.push_back(read_checkpoint(program, run, in));
      }
    }
    run.step(step);
  }
  for (const Port& port : program.outputs) {
    golden.outputs.push_back(run.floats(port.floats, port.count()));
    const std::vector<float>& values = golden.outputs.back();
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) {
      throw Error(port.value, "is not finite for the input of the self-test");
    }
    golden.tolerances.push_back(tolerance_of(program, port, values));
  }
  return golden;
}

}  // namespace pare::formats::c
