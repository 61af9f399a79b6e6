// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/evaluate.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "lib/core/error.hpp"
#include "lib/data/batch.hpp"
#include "lib/eval/label_space.hpp"
#include "lib/eval/memory.hpp"
#include "lib/runtime/session.hpp"
#include "lib/runtime/tuning.hpp"

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

// A model at batch 1 with its own copy of the first test item.
struct TimedModel {
  size_t candidate;
  std::unique_ptr<runtime::Session> session;
};

std::vector<TimedModel> sessions_to_time(const std::vector<Candidate>& candidates,
                                         const data::Dataset& test, int threads) {
  std::vector<TimedModel> timed;
  const int64_t first_item[] = {0};
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].model) continue;
    const ir::Model& model = *candidates[i].model;
    auto session = std::make_unique<runtime::Session>(
        model, runtime::SessionOptions{.batch = 1, .threads = threads});
    data::load_batch(test, model.metadata.preprocessing, first_item, nullptr, 0, session->input(0),
                     1);
    timed.push_back({i, std::move(session)});
  }
  return timed;
}

// Names the layers of a quantized candidate that gain nothing: integers took longer than float.
void warn_of_slow_integers(const std::vector<TimedModel>& timed, Report& report,
                           Progress& progress) {
  constexpr int kRounds = 15;
  for (size_t i = 1; i < timed.size(); ++i) {
    runtime::Session* const pair[] = {timed[0].session.get(), timed[i].session.get()};
    if (std::ranges::none_of(pair[1]->steps(), &runtime::StepInfo::integer)) continue;
    const auto timings = runtime::bench_layers(pair, {.rounds = kRounds});
    std::string slower;
    for (const runtime::LayerComparison& layer : runtime::compare_layers(timings[0], timings[1])) {
      if (!layer.slower_in_integers()) continue;
      char times[64];
      std::snprintf(times, sizeof times, " (%.1f and %.1f us)", layer.integer_us, layer.float_us);
      slower += (slower.empty() ? "" : ", ") + escaped(layer.node) + times;
    }
    if (slower.empty()) continue;
    warn(report, progress,
         report.candidates[timed[i].candidate].name +
             ": slower in integers than in float: " + slower + "; see pare bench --save-tuning");
  }
}

void add_latency(const std::vector<Candidate>& candidates, const data::Dataset& test,
                 const EvalOptions& options, Report& report, Progress& progress) {
  const auto timed = sessions_to_time(candidates, test, options.latency_threads);
  if (timed.empty()) return;
  std::vector<std::function<void()>> runs;
  for (const TimedModel& model : timed) {
    runs.emplace_back([session = model.session.get()] { session->run(); });
  }
  LatencyOptions protocol = options.latency;
  protocol.seed = options.seed;
  const auto samples = measure_latency(runs, protocol, progress);
  for (size_t i = 0; i < timed.size(); ++i) {
    // Without a timed base there is nothing to be relative to.
    const LatencySamples* base = timed[0].candidate == 0 ? &samples[0] : nullptr;
    report.candidates[timed[i].candidate].latency = summarise(samples[i], base, options.seed);
  }
  if (timed[0].candidate == 0) warn_of_slow_integers(timed, report, progress);
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
  report.environment = current_environment(options.threads, options.latency_threads);
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
