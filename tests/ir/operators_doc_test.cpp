// SPDX-License-Identifier: Apache-2.0
// docs/operators.md is written from the operator table. After a wanted change, run this test with
// PARE_UPDATE_GOLDENS=1 and read the difference.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "lib/ir/ops.hpp"

namespace pare::ir {
namespace {

constexpr const char* kIntroduction = R"(# Operators

Written from the operator table (`lib/ir/ops.cpp`) by `tests/ir/operators_doc_test.cpp`; do not edit.

Names and semantics are those of ONNX, operator set 21; `Attention`, `RotaryEmbedding`, `RMSNormalization`,
`Swish` and `CumProd` are of later ones.
Files of older operator sets are upgraded while they are read; files of other formats are lowered to these.

- **Types**: the element types of input 0. Floats are computed in f32, integers have 8, 16, 32 or 64 bits.
- **Integers**: whether the operator runs on 8-bit codes when its inputs and its output are quantized; all others
  run dequantized.
- **Trains**: whether `pare train`, `distill` and recovery after pruning go through it.
- **Constant inputs**: inputs that have to be known before the model runs, because they decide a shape or how
  elements move. What is computed from dimensions is known; `pare convert --bind` fixes a graph's inputs.

)";

std::string count_text(int least, int most) {
  if (most < 0) return std::to_string(least) + " or more";
  if (least == most) return std::to_string(least);
  return std::to_string(least) + " to " + std::to_string(most);
}

std::string constants_text(const OpRow& row) {
  std::string out;
  for (size_t i = 0; i < 32; ++i) {
    if (wants_constant(row, i)) out += (out.empty() ? "" : ", ") + std::to_string(i);
  }
  return out;
}

std::string document() {
  std::ostringstream out;
  out << kIntroduction
      << "| operator | inputs | outputs | types | integers | trains | constant inputs |\n"
         "|---|---|---|---|---|---|---|\n";
  std::map<std::string_view, const OpRow*> sorted;
  for (const OpRow& row : all_ops()) sorted[row.name] = &row;
  for (const auto& [name, row] : sorted) {
    out << "| " << name << " | " << count_text(row->min_inputs, row->max_inputs) << " | "
        << count_text(row->min_outputs, row->max_outputs) << " | " << name_of(row->types) << " | "
        << (row->integer == IntegerRule::kNone ? "" : "yes") << " | "
        << (is_differentiable(*row) ? "yes" : "") << " | " << constants_text(*row) << " |\n";
  }
  out << '\n' << sorted.size() << " operators.\n";
  return out.str();
}

TEST_CASE("docs/operators.md says what the operator table says") {
  const std::string path = "docs/operators.md";
  if (std::getenv("PARE_UPDATE_GOLDENS")) std::ofstream(path) << document();
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  CHECK(text.str() == document());
}

}  // namespace
}  // namespace pare::ir
