// SPDX-License-Identifier: Apache-2.0
// Einsum: for every output index the sum, over the letters the output lacks, of the products of the
// operands' elements.
#include "lib/ir/einsum.hpp"

#include <algorithm>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

struct Term {
  FloatSource source;
  std::vector<int64_t> kept, summed;  // strides over the output's letters and over the others

  int64_t offset(const std::vector<int64_t>& out, const std::vector<int64_t>& in) const {
    int64_t at = 0;
    for (size_t d = 0; d < out.size(); ++d) at += out[d] * kept[d];
    for (size_t d = 0; d < in.size(); ++d) at += in[d] * summed[d];
    return at;
  }
};

}  // namespace

Kernel make_einsum(const StepSpec& step) {
  const ir::Equation equation = ir::equation_of(step.node);
  std::string summed;
  ir::Dims summed_dims;
  std::vector<Term> terms;
  for (size_t n = 0; n < equation.terms.size(); ++n) {
    const ir::Dims& dims = step.inputs[n].dims;
    for (size_t d = 0; d < dims.size(); ++d) {
      const char letter = equation.terms[n][d];
      if (equation.output.find(letter) != std::string::npos ||
          summed.find(letter) != std::string::npos) {
        continue;
      }
      summed += letter;
      summed_dims.push_back(dims[d]);
    }
  }
  for (size_t n = 0; n < equation.terms.size(); ++n) {
    const std::vector<int64_t> own = row_major_strides(step.inputs[n].dims);
    Term term{.source = FloatSource(step, static_cast<int>(n)), .kept = {}, .summed = {}};
    // A letter that occurs twice in one term walks the diagonal.
    const auto stride = [&](char letter) {
      int64_t sum = 0;
      for (size_t d = 0; d < own.size(); ++d) sum += equation.terms[n][d] == letter ? own[d] : 0;
      return sum;
    };
    for (const char letter : equation.output) term.kept.push_back(stride(letter));
    for (const char letter : summed) term.summed.push_back(stride(letter));
    terms.push_back(std::move(term));
  }
  const ir::Dims dims = step.output().dims;
  const std::vector<int64_t> none(dims.size(), 0), none_summed(summed_dims.size(), 0);
  Kernel kernel{.name = "reference-Einsum"};
  kernel.run = [=, outer = none, inner = none_summed](const RunArgs& args) mutable {
    walk(dims, none, outer, [&](int64_t i, int64_t) {
      float sum = 0.0F;
      walk(summed_dims, none_summed, inner, [&](int64_t, int64_t) {
        float product = 1.0F;
        for (const Term& term : terms) product *= term.source.get(args)[term.offset(outer, inner)];
        sum += product;
      });
      args.out<float>()[i] = sum;
    });
  };
  return kernel;
}

}  // namespace pare::runtime::reference
