// SPDX-License-Identifier: Apache-2.0
// Caps the instruction set for a scope, and lists those this machine can run.
#pragma once

#include <string>
#include <vector>

#include "lib/core/error.hpp"
#include "lib/runtime/isa.hpp"

namespace pare::test {

class IsaGuard {
 public:
  explicit IsaGuard(const std::string& isa) : before_(runtime::name_of(runtime::active_isa())) {
    runtime::cap_isa(isa);
  }
  ~IsaGuard() { runtime::cap_isa(before_); }
  IsaGuard(const IsaGuard&) = delete;
  IsaGuard& operator=(const IsaGuard&) = delete;

 private:
  std::string before_;
};

inline std::vector<std::string> available_isas() {
  std::vector<std::string> out;
  for (const std::string isa : {"scalar", "avx2", "avx512", "avx512_vnni", "neon"}) {
    try {
      const IsaGuard guard(isa);
      out.push_back(isa);
    } catch (const UsageError&) {
      continue;
    }
  }
  return out;
}

}  // namespace pare::test
