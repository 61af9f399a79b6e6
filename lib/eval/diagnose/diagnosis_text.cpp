// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/diagnose/diagnosis_text.hpp"

#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

std::string decibels(const std::optional<OutputError>& error) {
  if (!error) return "–";
  const auto sqnr = error->sqnr_db();
  return sqnr ? fixed(*sqnr, 1) : "exact";
}

}  // namespace

std::array<std::string, kPartColumns.size()> cells_of(const Diagnosis& diagnosis,
                                                      const PartDiagnosis& part) {
  std::array<std::string, kPartColumns.size()> out;
  out.fill("–");
  if (part.alone && part.restored) {
    out[0] = percent(part.share, 1);
    out[1] = points(part.alone->accuracy - diagnosis.base.accuracy);
    out[2] = fixed(part.alone->kl, 4);
    out[3] = points(part.restored->accuracy - diagnosis.candidate.accuracy);
    out[4] = fixed(part.restored->kl, 4);
  }
  out[5] = decibels(part.own);
  out[6] = decibels(part.cumulative);
  if (part.cumulative) out[7] = fixed(part.cumulative->cosine(), 4);
  return out;
}

std::string causes_of(const Diagnosis& diagnosis, size_t part) {
  std::string out;
  for (const Finding& finding : diagnosis.findings) {
    if (finding.part != part) continue;
    out += (out.empty() ? "" : ", ") + std::string(title_of(finding.evidence.cause));
  }
  return out;
}

size_t first_with_commands(const Diagnosis& diagnosis, size_t finding) {
  const auto made = [&](size_t f) -> const std::optional<Repair>& {
    const Finding& one = diagnosis.findings[f];
    return one.repair ? one.repair : one.tried;
  };
  const auto& own = made(finding);
  for (size_t f = 0; own && f < finding; ++f) {
    const auto& other = made(f);
    if (other && other->commands == own->commands) return f;
  }
  return finding;
}

std::string effect_text(const Diagnosis& diagnosis, const Repair& repair) {
  const Comparison& change = repair.change;
  return "accuracy " + percent(repair.before.accuracy) + " to " + percent(repair.after.accuracy) +
         " (" + points(change.difference) + " points, 95 % interval " +
         points(change.difference_interval.low) + " to " + points(change.difference_interval.high) +
         "; base " + percent(repair.base_accuracy) + "), KL to base " + fixed(repair.before.kl, 4) +
         " to " + fixed(repair.after.kl, 4) + ", file " + grouped(repair.bytes_before) + " to " +
         grouped(repair.bytes_after) + " bytes; measured on " + grouped(repair.items) +
         " items of " + diagnosis.effect_part;
}

}  // namespace pare::eval
