// SPDX-License-Identifier: Apache-2.0
// Executes a Model's graph at one batch size. Construction plans everything: constants folded,
// Conv/Gemm + BatchNorm + activation (+ residual) fused, one arena, weights packed. run() allocates
// nothing and takes no lock. A session is used by one thread at a time; several sessions may run at
// once. The arithmetic is defined in docs/integer-arithmetic.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"
#include "lib/runtime/isa.hpp"

namespace pare::runtime {

struct SessionOptions {
  std::string graph;  // "" : main
  int64_t batch = 1;  // what the symbolic first dimension becomes
  int threads = 1;
  bool reference = false;  // reference kernels only, nothing fused: the oracle of the tests
  // Without oneDNN, and convolutions by their definition: tests compare the two.
  bool own_kernels_only = false;
  bool repeatable_steps = false;  // no step overwrites its input, for run_step()
  // Values whose contents stay readable after run() (calibration, matching). They are never fused
  // away.
  std::vector<ir::ValueId> watch;
};

// One step of the plan, for `inspect`, `bench --layers` and error messages.
struct StepInfo {
  std::string node;  // name of the node, fused ones joined by '+'
  std::string main;  // the first of them: the one with the weight
  std::string op;
  std::string kernel;  // "onednn-conv-u8s8", "int4-gemv-avx512", "reference"
  bool integer = false;
  int64_t macs = 0;
  ir::Dims output;
};

class Session {
 public:
  // Throws Error(node) on an op that no kernel row covers for its dtypes, or unknown symbolic dims.
  Session(const ir::Model& model, SessionOptions options);
  ~Session();
  Session(Session&&) noexcept;

  int input_count() const;
  int output_count() const;
  const ir::Dims& input_dims(int index) const;
  const ir::Dims& output_dims(int index) const;
  // f32 buffers of the caller's view; quantized inputs and outputs are converted inside.
  std::span<float> input(int index = 0);
  std::span<const float> output(int index = 0) const;  // integers converted
  // What the caller's view of an input or output holds: f32 for quantized ones.
  ir::DType input_dtype(int index) const;
  ir::DType output_dtype(int index) const;
  // Elements in that dtype: i64 indices, bool masks (a byte each).
  std::span<std::byte> input_bytes(int index);
  std::span<const std::byte> output_bytes(int index) const;
  // Real values of options.watch[index] after run().
  std::span<const float> watched(int index) const;
  // Integer codes of options.watch[index] when that value is quantized (tests of exactness).
  std::vector<int32_t> watched_codes(int index) const;

  void run();
  // Runs step i alone on whatever the arena holds; for `bench --layers`. Again and again only with
  // options.repeatable_steps.
  void run_step(int step);

  const std::vector<StepInfo>& steps() const;
  int64_t arena_bytes() const;
  int64_t packed_weight_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The whole-graph rewrites that planning does, also used by quantization so that what is calibrated
// is what runs: folds BatchNormalization into the Conv/Gemm before it. Returns a model whose
// parameters changed accordingly.
ir::Model fold_batch_norm(const ir::Model& model);

}  // namespace pare::runtime
