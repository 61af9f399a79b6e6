// SPDX-License-Identifier: Apache-2.0
// The report for machines. Absent figures are null; keys never depend on what was measured.
#include <cmath>

#include "lib/eval/report.hpp"
#include "lib/eval/report/verdicts.hpp"

namespace pare::eval {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

template <class T>
Json maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json interval_json(const Interval& interval) {
  return Json::array({number(interval.low), number(interval.high)});
}

Json class_json(const Report& report, const Metrics& metrics) {
  Json out = Json::array();
  for (size_t i = 0; i < metrics.classes.size(); ++i) {
    const ClassCount& c = metrics.classes[i];
    const bool known = c.items > 0;
    out.push_back(
        {{"name", i < report.classes.size() ? report.classes[i] : std::to_string(i)},
         {"items", c.items},
         {"correct", c.correct},
         {"predicted", c.predicted},
         {"accuracy", known ? Json(static_cast<double>(c.correct) / static_cast<double>(c.items))
                            : Json(nullptr)}});
  }
  return out;
}

Json comparison_json(const Report& report, const Comparison& c) {
  const auto worst = static_cast<size_t>(c.worst_class);
  const auto of_divergence = [&](double Divergence::*part) {
    return c.divergence ? number(*c.divergence.*part) : Json(nullptr);
  };
  return {{"difference", number(c.difference)},
          {"difference_interval", interval_json(c.difference_interval)},
          {"bootstrap_interval", interval_json(c.bootstrap_interval)},
          {"mcnemar_p", number(c.mcnemar_p)},
          {"lost", c.lost},
          {"gained", c.gained},
          {"agreement", number(c.agreement)},
          {"worst_class", c.worst_class >= 0 && worst < report.classes.size()
                              ? Json(report.classes[worst])
                              : Json(nullptr)},
          {"worst_class_drop", number(c.worst_class_drop)},
          {"kl_mean", of_divergence(&Divergence::mean)},
          {"kl_p50", of_divergence(&Divergence::p50)},
          {"kl_p90", of_divergence(&Divergence::p90)},
          {"kl_p99", of_divergence(&Divergence::p99)},
          {"kl_largest", of_divergence(&Divergence::largest)}};
}

Json regression_json(const RegressionReport& regression) {
  const auto errors = [](const RegressionReport::Errors& e) {
    return Json{{"mae", number(e.mae)}, {"rmse", number(e.rmse)}, {"r2", maybe(e.r2)}};
  };
  Json out = errors(regression.all);
  out["targets"] = Json::array();
  for (const RegressionReport::Errors& target : regression.targets) {
    Json entry{{"name", target.target}};
    entry.update(errors(target));
    out["targets"].push_back(std::move(entry));
  }
  return out;
}

Json weight_error_json(const LayerSize& layer) {
  if (!layer.weight_error) return nullptr;
  return {{"sqnr_db", maybe(layer.weight_error->sqnr_db())},
          {"relative_rms", number(layer.weight_error->relative_rms())},
          {"exact", !layer.weight_error->sqnr_db()}};
}

Json size_json(const SizeReport& size) {
  Json breakdown = nullptr;
  if (size.breakdown) {
    breakdown = {{"codes", size.breakdown->codes},
                 {"scales", size.breakdown->scales},
                 {"indices", size.breakdown->indices},
                 {"container", size.breakdown->container}};
  }
  Json layers = Json::array();
  for (const LayerSize& layer : size.layers) {
    layers.push_back(
        {{"name", layer.name},
         {"storage", layer.storage},
         {"parameters", layer.parameters},
         {"bytes", layer.bytes},
         {"weights", layer.weights},
         {"zeros", layer.zeros},
         {"weight_error", weight_error_json(layer)},
         {"no_weight_error",
          layer.no_weight_error.empty() ? Json(nullptr) : Json(layer.no_weight_error)}});
  }
  return {{"file_bytes", size.file_bytes},     {"breakdown", breakdown},
          {"parameters", size.parameters},     {"bits_per_weight", number(size.bits_per_weight)},
          {"sparsity", number(size.sparsity)}, {"layers", layers}};
}

Json latency_json(const LatencySummary& latency) {
  return {{"threads", latency.threads},
          {"batch_size", latency.batch},
          {"runs", latency.runs},
          {"blocks", latency.block_medians.size()},
          {"p50_us", number(latency.p50)},
          {"p90_us", number(latency.p90)},
          {"p99_us", number(latency.p99)},
          {"ratio", maybe(latency.ratio)},
          {"ratio_interval", latency.ratio ? interval_json(latency.ratio_interval) : Json(nullptr)},
          {"items_per_second", number(latency.items_per_second)},
          {"joules_per_item", maybe(latency.joules_per_item)},
          {"cost_per_million", maybe(latency.cost_per_million)},
          {"block_p50_us", latency.block_medians},
          {"block_ratios", latency.block_ratios}};
}

Json conditions_json(const LatencyConditions& conditions) {
  const MachineNoise& noise = conditions.noise;
  return {{"threads", conditions.threads},
          {"batch_size", conditions.batch},
          {"noisy", noise.noisy()},
          {"seconds", number(noise.seconds)},
          {"waiting_share", maybe(noise.waiting_share)},
          {"involuntary_switches", maybe(noise.involuntary_switches)},
          {"stolen_share", maybe(noise.stolen_share)},
          {"other_cpus", maybe(noise.other_cpus)},
          {"spread", number(noise.spread)}};
}

Json latency_grid_json(const CandidateReport& candidate) {
  Json out = Json::array();
  for (const LatencySummary& cell : candidate.latency_grid) out.push_back(latency_json(cell));
  return out;
}

Json history_json(const std::vector<ir::HistoryEntry>& history) {
  Json out = Json::array();
  for (const ir::HistoryEntry& entry : history) {
    out.push_back({{"pass", entry.pass},
                   {"options", entry.options},
                   {"tool_version", entry.tool_version},
                   {"seed", entry.seed},
                   {"inputs", entry.inputs}});
  }
  return out;
}

Json slices_json(const std::vector<SliceResult>& slices) {
  Json out = Json::array();
  for (const SliceResult& slice : slices) {
    const auto share = [&](int64_t correct) {
      if (slice.counts.items == 0) return Json(nullptr);
      return Json(static_cast<double>(correct) / static_cast<double>(slice.counts.items));
    };
    const bool known = slice.counts.items > 0;
    out.push_back({{"column", slice.column},
                   {"value", slice.value},
                   {"items", slice.counts.items},
                   {"base_accuracy", share(slice.base_correct)},
                   {"accuracy", share(slice.correct)},
                   {"lost", slice.counts.lost},
                   {"gained", slice.counts.gained},
                   {"drop", known ? number(slice.drop) : Json(nullptr)},
                   {"drop_interval", known ? interval_json(slice.drop_interval) : Json(nullptr)},
                   {"mcnemar_p", known ? number(slice.p) : Json(nullptr)},
                   {"holm_p", known ? number(slice.p_holm) : Json(nullptr)}});
  }
  return out;
}

Json error_slices_json(const std::vector<ErrorSlice>& slices) {
  Json out = Json::array();
  for (const ErrorSlice& slice : slices) {
    const auto known = [&](double value) {
      return slice.items > 0 ? number(value) : Json(nullptr);
    };
    out.push_back(
        {{"column", slice.column},
         {"value", slice.value},
         {"items", slice.items},
         {"base_mae", known(slice.base_mae)},
         {"mae", known(slice.mae)},
         {"rise", known(slice.rise)},
         {"rise_interval", slice.decides() ? interval_json(slice.rise_interval) : Json(nullptr)},
         {"t_p", known(slice.p)},
         {"holm_p", known(slice.p_holm)}});
  }
  return out;
}

Json candidate_json(const Report& report, size_t index) {
  const CandidateReport& c = report.candidates[index];
  const Metrics& m = c.metrics;
  const bool classifies = report.task == Task::kClassification;
  return {{"name", c.name},
          {"path", c.path},
          {"kind", c.from_predictions ? "predictions" : "model"},
          {"architecture", c.architecture.empty() ? Json(nullptr) : Json(c.architecture)},
          {"items", m.items},
          {"correct", classifies ? Json(m.correct) : Json(nullptr)},
          {"accuracy", classifies ? number(m.top1) : Json(nullptr)},
          {"accuracy_interval", classifies ? interval_json(m.top1_interval) : Json(nullptr)},
          {"top5", maybe(m.top5)},
          {"macro_f1", classifies ? number(m.macro_f1) : Json(nullptr)},
          {"auc", maybe(m.auc)},
          {"log_loss", maybe(m.log_loss)},
          {"calibration_error", maybe(m.calibration_error)},
          {"classes", class_json(report, m)},
          {"comparison", c.comparison ? comparison_json(report, *c.comparison) : Json(nullptr)},
          {"regression", c.regression ? regression_json(*c.regression) : Json(nullptr)},
          {"slices", slices_json(c.slices)},
          {"error_slices", error_slices_json(c.error_slices)},
          {"size", c.size ? size_json(*c.size) : Json(nullptr)},
          {"macs", maybe(c.macs)},
          {"latency", c.latency ? latency_json(*c.latency) : Json(nullptr)},
          {"latency_grid", latency_grid_json(c)},
          {"peak_memory_bytes", maybe(c.peak_memory_bytes)},
          {"figures", to_json(c.figures)},
          {"history", history_json(c.history)},
          {"verdict", verdict(report, index)}};
}

}  // namespace

Json to_json(const Report& report) {
  Json candidates = Json::array();
  for (size_t i = 0; i < report.candidates.size(); ++i) {
    candidates.push_back(candidate_json(report, i));
  }
  Json conditions = Json::array();
  for (const LatencyConditions& c : report.latency_conditions) {
    conditions.push_back(conditions_json(c));
  }
  const Environment& env = report.environment;
  return {
      {"schema_version", kReportSchemaVersion},
      {"task", name_of(report.task)},
      {"gate", report.budget ? gate_json(*report.budget, judged_of(report)) : Json(nullptr)},
      {"data",
       {{"source", report.data_source},
        {"fingerprint", report.data_fingerprint},
        {"items", report.items},
        {"classes", report.classes},
        {"targets", report.targets}}},
      {"candidates", candidates},
      {"environment",
       {{"cpu", env.cpu},
        {"isa", env.isa},
        {"threads", env.threads},
        {"latency_threads", env.latency_threads},
        {"version", env.version}}},
      {"latency_conditions", conditions},
      {"energy_reason", report.energy_reason.empty() ? Json(nullptr) : Json(report.energy_reason)},
      {"price_per_hour", maybe(report.price_per_hour)},
      {"warnings", report.warnings}};
}

}  // namespace pare::eval
