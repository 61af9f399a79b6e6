// SPDX-License-Identifier: Apache-2.0
// Instruction sets that kernels are compiled for, and which of them may be used. The cap (PARE_ISA,
// read in main) applies to our kernels and to oneDNN alike and is set once, before the first
// session.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pare::runtime {

enum class Isa : uint8_t { kScalar, kAvx2, kAvx512, kAvx512Vnni, kNeon };

std::string_view name_of(Isa isa);
Isa best_isa();    // what this CPU has
Isa active_isa();  // min(best, cap)
// Throws UsageError("PARE_ISA", ...) on an unknown name or one that the CPU lacks.
void cap_isa(std::string_view name);

}  // namespace pare::runtime
