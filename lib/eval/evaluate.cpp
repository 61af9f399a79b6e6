// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/evaluate.hpp"

#include "lib/core/error.hpp"
#include "lib/eval/label_space.hpp"
#include "lib/eval/latency_grid.hpp"
#include "lib/eval/memory.hpp"

namespace pare::eval {
namespace {

std::string subject_of(const Candidate& candidate) {
  return candidate.path.empty() ? candidate.name : candidate.path;
}

void warn(Report& report, Progress& progress, const std::string& line) {
  report.warnings.push_back(line);
  progress.warn(line);
}

std::string architecture_of(const ir::Model& model) {
  const Json& source = model.metadata.source;
  if (!source.is_object()) return {};
  const auto found = source.find("arch");
  return found != source.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add_memory(const std::vector<Candidate>& candidates, const EvalOptions& options,
                Report& report, Progress& progress) {
  const std::string infer =
      options.infer_executable.empty() ? find_infer_executable() : options.infer_executable;
  std::string reason;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].model) continue;
    const PeakMemory peak = measure_peak_memory(infer, candidates[i].path);
    report.candidates[i].peak_memory_bytes = peak.bytes;
    if (!peak.bytes && peak.reason != reason) {
      reason = peak.reason;
      warn(report, progress,
           escaped(candidates[i].name) + ": peak memory not measured: " + escaped(reason));
    }
    progress.update("memory", static_cast<int64_t>(i) + 1, static_cast<int64_t>(candidates.size()));
  }
}

void add_model_facts(const Candidate& candidate, CandidateReport& out) {
  const ir::Model& model = *candidate.model;
  out.size = measure_size(model, candidate.file_bytes);
  out.macs = ir::mac_count(model, model.main());
  out.history = model.metadata.history;
  out.architecture = architecture_of(model);
}

Predictions predictions_of(Candidate& candidate, const data::Dataset& test,
                           const EvalOptions& options, Progress& progress) {
  if (candidate.model) {
    return predict(*candidate.model, test, {options.threads, options.batch}, subject_of(candidate),
                   progress);
  }
  require(candidate.predictions.has_value(), "a candidate is a model or predictions");
  check_predictions(*candidate.predictions, test, subject_of(candidate));
  return std::move(*candidate.predictions);
}

}  // namespace

Report evaluate(std::vector<Candidate> candidates, const data::Dataset& test,
                const EvalOptions& options, Progress& progress) {
  require(!candidates.empty(), "an evaluation needs a candidate");
  if (test.size() == 0) throw Error(test.info().source, "holds no items");
  Report report;
  report.data_source = test.info().source;
  report.data_fingerprint = test.fingerprint();
  report.items = test.size();
  report.classes = test.info().classes;
  report.environment = current_environment(options.threads, options.latency_threads.front());
  const std::vector<int64_t> labels = labels_of(test);
  Predictions base;
  for (size_t i = 0; i < candidates.size(); ++i) {
    Candidate& candidate = candidates[i];
    if (candidate.model && !candidate.model->metadata.preprocessing.stated) {
      warn(
          report, progress,
          escaped(candidate.name) +
              ": states no preprocessing; it is fed raw values (see --input-scale, --mean, --std)");
    }
    Predictions predictions = predictions_of(candidate, test, options, progress);
    CandidateReport out{
        .name = candidate.name, .path = candidate.path, .from_predictions = !candidate.model};
    out.metrics = measure(predictions, labels);
    if (i > 0) {
      out.comparison =
          compare(base, predictions, labels, {.seed = options.seed, .threads = options.threads});
    } else {
      base = std::move(predictions);
    }
    if (candidate.model) add_model_facts(candidate, out);
    report.candidates.push_back(std::move(out));
  }
  if (options.measure_latency) add_latency(candidates, test, options, report, progress);
  if (options.measure_memory) add_memory(candidates, options, report, progress);
  return report;
}

}  // namespace pare::eval
