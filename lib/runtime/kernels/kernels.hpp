// SPDX-License-Identifier: Apache-2.0
// The dispatch table: which kernel runs a step. Rows are tried in order and the first that supports
// the step is taken, so the choice depends on shapes, dtypes and the active ISA, never on timing.
#pragma once

#include <span>
#include <string_view>

#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime {

enum class KernelChoice : uint8_t {
  kFastest,    // the first row that supports the step
  kOwn,        // likewise, without oneDNN and by the definition (tests compare the two)
  kReference,  // plain loops: the oracle
};

// The layout a row wants its rank-4 activations in.
enum class RowLayout : uint8_t {
  kPlain,
  kNhwc,
  kNhwcAnyInput,  // channels last, but input 0 in whichever layout it is
  kAsInput,       // all in the layout that input 0 is in
  kSame,          // any, as long as it is one for all: elementwise operands of equal dims
};

struct KernelRow {
  std::string_view op;  // an ONNX operator, or Quantize, Dequantize, Reorder
  KernelChoice kind;    // kFastest marks rows that kOwn leaves out
  RowLayout layout;
  bool (*supports)(const StepSpec& step);  // null in reference rows: everything of that op
  Kernel (*make)(const StepSpec& step);
};

// The row that runs `step`, whose layouts need not be decided yet. Throws Error(step.name) when
// none fits.
const KernelRow& select_row(const StepSpec& step, KernelChoice choice);
inline Kernel select_kernel(const StepSpec& step, KernelChoice choice) {
  return select_row(step, choice).make(step);
}

// Whether the operands of `step` allow integer arithmetic by the operator's IntegerRule.
bool runs_in_integers(const StepSpec& step);

}  // namespace pare::runtime
