// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/isa.hpp"

#include <array>
#include <atomic>
#include <string>

#include "lib/core/error.hpp"

namespace pare::runtime {

namespace {

struct IsaName {
  Isa isa;
  std::string_view name;
};
constexpr std::array kNames = {
    IsaName{Isa::kScalar, "scalar"}, IsaName{Isa::kAvx2, "avx2"}, IsaName{Isa::kAvx512, "avx512"},
    IsaName{Isa::kAvx512Vnni, "avx512_vnni"}, IsaName{Isa::kNeon, "neon"}};

std::atomic<Isa>& cap() {
  static std::atomic<Isa> value{best_isa()};
  return value;
}

Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq");
  if (avx512 && __builtin_cpu_supports("avx512vnni")) return Isa::kAvx512Vnni;
  if (avx512) return Isa::kAvx512;
  if (avx2) return Isa::kAvx2;
  return Isa::kScalar;
#elif defined(__aarch64__)
  return Isa::kNeon;
#else
  return Isa::kScalar;
#endif
}

}  // namespace

std::string_view name_of(Isa isa) {
  for (const IsaName& row : kNames) {
    if (row.isa == isa) return row.name;
  }
  throw Bug("unnamed ISA");
}

Isa best_isa() {
  static const Isa best = detect();
  return best;
}

Isa active_isa() { return cap().load(); }

void cap_isa(std::string_view name) {
  for (const IsaName& row : kNames) {
    if (row.name != name) continue;
    // The enumerators are ordered within one architecture; neon stands alone.
    const bool other_architecture = (row.isa == Isa::kNeon) != (best_isa() == Isa::kNeon);
    if (row.isa != Isa::kScalar && (row.isa > best_isa() || other_architecture)) {
      throw UsageError("PARE_ISA", "this CPU has no " + std::string(name) + ", its best is " +
                                       std::string(name_of(best_isa())));
    }
    cap().store(row.isa);
    return;
  }
  throw UsageError("PARE_ISA", "unknown instruction set '" + std::string(name) +
                                   "', expected scalar, avx2, avx512, avx512_vnni or neon");
}

}  // namespace pare::runtime
