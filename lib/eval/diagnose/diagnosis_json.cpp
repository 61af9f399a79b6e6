// SPDX-License-Identifier: Apache-2.0
// The diagnosis as JSON; docs/diagnose.md lists the members.
#include "lib/eval/diagnose/diagnose.hpp"

namespace pare::eval {
namespace {

const char* name_of(PartKind kind) {
  switch (kind) {
    case PartKind::kPreprocessing:
      return "preprocessing";
    case PartKind::kInput:
      return "input";
    case PartKind::kLayer:
      return "layer";
    case PartKind::kOther:
      break;
  }
  return "other";
}

Json json_of(const std::optional<OutputError>& error) {
  if (!error) return nullptr;
  const auto sqnr = error->sqnr_db();
  return {{"exact", !sqnr.has_value()},
          {"sqnr_db", sqnr ? Json(*sqnr) : Json()},
          {"cosine", error->cosine()}};
}

Json json_of(const std::optional<Effect>& effect) {
  if (!effect) return nullptr;
  return {{"accuracy", effect->accuracy}, {"kl", effect->kl}};
}

Json json_of(const DiagnosedModel& model) {
  return {{"name", model.name},
          {"path", model.path},
          {"file_bytes", model.file_bytes},
          {"accuracy", model.accuracy}};
}

Json json_of(const Interval& interval) { return Json::array({interval.low, interval.high}); }

Json json_of(const std::optional<Repair>& repair) {
  if (!repair) return nullptr;
  return {{"commands", repair->commands},
          {"items", repair->items},
          {"base_accuracy", repair->base_accuracy},
          {"before", json_of(std::optional(repair->before))},
          {"after", json_of(std::optional(repair->after))},
          {"difference", repair->change.difference},
          {"difference_interval", json_of(repair->change.difference_interval)},
          {"mcnemar_p", repair->change.mcnemar_p},
          {"bytes_before", repair->bytes_before},
          {"bytes_after", repair->bytes_after}};
}

Json json_of(const PartDiagnosis& part) {
  return {{"name", part.name},
          {"kind", name_of(part.kind)},
          {"op", part.op},
          {"storage", part.storage},
          {"differs", part.differs},
          {"cumulative_error", json_of(part.cumulative)},
          {"own_error", json_of(part.own)},
          {"alone", json_of(part.alone)},
          {"restored", json_of(part.restored)},
          {"share", part.share}};
}

Json json_of(const Diagnosis& diagnosis, const Finding& finding) {
  Json out{
      {"layer", diagnosis.parts[finding.part].name}, {"share", diagnosis.parts[finding.part].share},
      {"cause", id_of(finding.evidence.cause)},      {"evidence", finding.evidence.text},
      {"figures", finding.evidence.figures},         {"repair", json_of(finding.repair)}};
  if (!finding.repair) {
    out["no_repair"] = finding.no_repair;
    out["tried"] = json_of(finding.tried);
  }
  return out;
}

}  // namespace

Json to_json(const Diagnosis& diagnosis) {
  const Comparison& c = diagnosis.comparison;
  Json out{{"schema_version", kDiagnosisSchemaVersion},
           {"base", json_of(diagnosis.base)},
           {"candidate", json_of(diagnosis.candidate)},
           {"data",
            {{"source", diagnosis.data_source},
             {"part", diagnosis.part_of_data},
             {"items", diagnosis.items},
             {"error_items", diagnosis.error_items},
             {"fingerprint", diagnosis.data_fingerprint},
             {"effect_part", diagnosis.effect_part}}},
           {"difference",
            {{"accuracy", c.difference},
             {"interval", json_of(c.difference_interval)},
             {"lost", c.lost},
             {"gained", c.gained},
             {"mcnemar_p", c.mcnemar_p},
             {"agreement", c.agreement},
             {"kl_mean", c.divergence->mean}}},
           {"parts_agreement", diagnosis.agreement}};
  out["parts"] = Json::array();
  for (const PartDiagnosis& part : diagnosis.parts) out["parts"].push_back(json_of(part));
  out["findings"] = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    out["findings"].push_back(json_of(diagnosis, finding));
  }
  out["all_repairs"] = json_of(diagnosis.all_repairs);
  out["warnings"] = diagnosis.warnings;
  const Environment& e = diagnosis.environment;
  out["environment"] = {
      {"cpu", e.cpu}, {"isa", e.isa}, {"threads", e.threads}, {"version", e.version}};
  return out;
}

}  // namespace pare::eval
