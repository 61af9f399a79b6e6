// SPDX-License-Identifier: Apache-2.0
// The parts of the HTML page below its head; each returns one section, or nothing when the report
// has nothing to put there.
#pragma once

#include <string>

#include "lib/eval/report.hpp"

namespace pare::eval {

inline constexpr size_t kPaletteSize = 8;  // colours in the style sheet
inline size_t colour_of(size_t candidate) { return candidate % kPaletteSize; }

// The mark of a candidate's colour beside its name.
std::string colour_dot(size_t candidate);

std::string budget_headline(const Report& report);  // one line, above all else
std::string budget_section(const Report& report);
std::string table_section(const Report& report);
std::string picture_section(const Report& report);
std::string latency_section(const Report& report);       // distributions, every setting, conditions
std::string flip_section(const Report& report);          // right and wrong, before and after
std::string slice_section(const Report& report);         // groups of items
std::string size_section(const Report& report);          // where the bytes are, layer by layer
std::string weight_error_section(const Report& report);  // against the base's, by layer
std::string class_section(const Report& report);         // accuracy of every class
std::string history_section(const Report& report);       // what was done to every model
std::string environment_section(const Report& report);

}  // namespace pare::eval
