// SPDX-License-Identifier: Apache-2.0
// The cells of the table of parts, the same on the terminal and on the page.
#pragma once

#include <array>
#include <string>

#include "lib/eval/diagnose/diagnose.hpp"

namespace pare::eval {

struct PartColumn {
  const char* title;
  const char* meaning;
};
inline constexpr std::array kPartColumns = {
    PartColumn{"share", "of the divergence from the base; all parts together are 100 %"},
    PartColumn{"alone, points",
               "accuracy of the base with only this part compressed, less the base's"},
    PartColumn{"alone, KL", "KL to the base of the base with only this part compressed"},
    PartColumn{"restored, points",
               "accuracy of the candidate with only this part restored, less the candidate's"},
    PartColumn{"restored, KL", "KL to the base of the candidate with only this part restored"},
    PartColumn{"own SQNR", "signal to error at the output when all before it is exact, dB"},
    PartColumn{"SQNR", "signal to error at the output of the candidate, dB"},
    PartColumn{"cosine", "of the output in candidate and base"},
};

// Cells of one part, in the order of kPartColumns.
std::array<std::string, kPartColumns.size()> cells_of(const Diagnosis& diagnosis,
                                                      const PartDiagnosis& part);
// "block1.depthwise", "input", with the causes found there: "saturation".
std::string causes_of(const Diagnosis& diagnosis, size_t part);
// Index of the first finding with the same repair, or attempt of one; `finding` itself when it is
// the first.
size_t first_with_commands(const Diagnosis& diagnosis, size_t finding);
// "accuracy 12.30 % to 85.10 % (+72.80 points, 95 % interval ...; base 85.30 %), KL ...; file ..."
std::string effect_text(const Diagnosis& diagnosis, const Repair& repair);

}  // namespace pare::eval
