// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/evaluate.hpp"

#include <algorithm>
#include <iterator>

#include "lib/core/error.hpp"
#include "lib/eval/classifier_figures.hpp"
#include "lib/eval/label_space.hpp"
#include "lib/eval/latency_grid.hpp"
#include "lib/eval/memory.hpp"
#include "lib/eval/regression.hpp"
#include "lib/eval/weight_error.hpp"

namespace pare::eval {
namespace {

constexpr int kMemoryRuns = 3;

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
    std::vector<double> peaks;
    PeakMemory peak;
    for (int run = 0; run < kMemoryRuns; ++run) {
      peak = measure_peak_memory(infer, candidates[i].path);
      if (!peak.bytes) break;
      peaks.push_back(static_cast<double>(*peak.bytes));
    }
    if (peak.bytes) {
      std::sort(peaks.begin(), peaks.end());
      const double median = quantile_of_sorted(peaks, 0.5);
      report.candidates[i].peak_memory_bytes = static_cast<int64_t>(median);
      report.candidates[i].figures.push_back(
          {"peak_memory_bytes", median, Range{peaks.front(), peaks.back()}});
    } else if (peak.reason != reason) {
      reason = peak.reason;
      warn(report, progress,
           escaped(candidates[i].name) + ": peak memory not measured: " + escaped(reason));
    }
    progress.update("memory", static_cast<int64_t>(i) + 1, static_cast<int64_t>(candidates.size()));
  }
}

// File size and latency of a candidate, and what they and memory are of the base's.
void add_cost_figures(const CandidateReport& base, CandidateReport& candidate) {
  std::vector<Figure>& out = candidate.figures;
  if (candidate.size) {
    const auto bytes = static_cast<double>(candidate.size->file_bytes);
    out.push_back({"file_bytes", bytes, Exact{}});
    if (base.size && base.size->file_bytes > 0) {
      out.push_back(
          {"file_bytes_relative", bytes / static_cast<double>(base.size->file_bytes), Exact{}});
    }
  }
  if (candidate.latency) {
    const LatencySummary& latency = *candidate.latency;
    out.push_back({"latency_p50_us", quantile(latency.block_medians, 0.5),
                   MedianOfBlocks{latency.block_medians}});
    if (latency.ratio) {
      out.push_back({"latency_p50_ratio", *latency.ratio, MedianOfBlocks{latency.block_ratios}});
    }
  }
  const Figure* own = find_figure(out, "peak_memory_bytes");
  const Figure* of_base = find_figure(base.figures, "peak_memory_bytes");
  if (own != nullptr && of_base != nullptr) {
    const auto& mine = std::get<Range>(own->spread);
    const auto& theirs = std::get<Range>(of_base->spread);
    out.push_back({"peak_memory_bytes_relative", own->value / of_base->value,
                   Range{mine.low / theirs.high, mine.high / theirs.low}});
  }
}

void add_model_facts(const Candidate& candidate, CandidateReport& out) {
  const ir::Model& model = *candidate.model;
  out.size = measure_size(model, candidate.file_bytes);
  out.macs = ir::mac_count(model, model.main());
  out.history = model.metadata.history;
  out.architecture = architecture_of(model);
}

void append(std::vector<Figure>& to, std::vector<Figure> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Flip> flips_of(const Predictions& base, const Predictions& candidate,
                           std::span<const int64_t> labels) {
  std::vector<Flip> flips;
  for (size_t i = 0; i < labels.size(); ++i) {
    const Flip flip{static_cast<int64_t>(i), labels[i], base.predicted[i], candidate.predicted[i]};
    if ((flip.base_said == flip.label) != (flip.said == flip.label)) flips.push_back(flip);
  }
  return flips;
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

// Its metadata and file, and a warning when it leaves open what it is fed.
CandidateReport report_of(const Candidate& candidate, Report& report, Progress& progress) {
  CandidateReport out{
      .name = candidate.name, .path = candidate.path, .from_predictions = !candidate.model};
  if (!candidate.model) return out;
  if (!candidate.model->metadata.preprocessing.stated) {
    warn(report, progress,
         escaped(candidate.name) +
             ": states no preprocessing; it is fed raw values (see --input-scale, --mean, --std)");
  }
  add_model_facts(candidate, out);
  return out;
}

void compare_classifiers(std::vector<Candidate>& candidates, const data::Dataset& test,
                         const EvalOptions& options, Report& report, Progress& progress) {
  const std::vector<int64_t> labels = labels_of(test);
  Predictions base;
  ClassifierEstimates base_estimates;
  for (size_t i = 0; i < candidates.size(); ++i) {
    CandidateReport out = report_of(candidates[i], report, progress);
    Predictions predictions = predictions_of(candidates[i], test, options, progress);
    ClassifierEstimates estimates = estimate_classifier(predictions, labels);
    out.metrics = measure(predictions, estimates, labels);
    out.figures = classifier_figures(estimates, report.items);
    if (i > 0) {
      out.comparison =
          compare(base, predictions, labels, {.seed = options.seed, .threads = options.threads});
      append(out.figures, comparison_figures(base, base_estimates, predictions, estimates, labels,
                                             report.classes));
      out.flips = flips_of(base, predictions, labels);
      out.slices = compare_slices(base, predictions, labels, options.slices);
      if (auto worst = slice_figure(out.slices)) out.figures.push_back(std::move(*worst));
    } else {
      base = std::move(predictions);
      base_estimates = std::move(estimates);
    }
    report.candidates.push_back(std::move(out));
  }
}

void compare_regressors(std::vector<Candidate>& candidates, const data::Dataset& test,
                        const EvalOptions& options, Report& report, Progress& progress) {
  const std::vector<float> truth = targets_of(test);
  const std::vector<std::string>& targets = test.info().targets;
  RegressionEstimates base;
  std::vector<float> of_base;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].model) {
      throw Error(subject_of(candidates[i]),
                  "holds predictions of classes, the data numbers to predict");
    }
    CandidateReport out = report_of(candidates[i], report, progress);
    std::vector<float> predicted =
        predict_numbers(*candidates[i].model, test, {options.threads, options.batch},
                        subject_of(candidates[i]), progress);
    RegressionEstimates estimates = estimate_regression(predicted, truth, targets.size());
    out.metrics.items = report.items;
    out.regression = measure_regression(predicted, truth, targets);
    out.figures = regression_figures(estimates);
    if (i > 0) {
      append(out.figures, regression_comparison(base, estimates));
      out.error_slices =
          compare_error_slices(of_base, predicted, truth, targets.size(), options.slices);
    } else {
      base = std::move(estimates);
      of_base = std::move(predicted);
    }
    report.candidates.push_back(std::move(out));
  }
}

}  // namespace

Report evaluate(std::vector<Candidate> candidates, const data::Dataset& test,
                const EvalOptions& options, Progress& progress) {
  require(!candidates.empty(), "an evaluation needs a candidate");
  if (test.size() == 0) throw Error(test.info().source, "holds no items");
  Report report;
  report.task = test.info().is_regression() ? Task::kRegression : Task::kClassification;
  report.data_source = test.info().source;
  report.data_fingerprint = test.fingerprint();
  report.items = test.size();
  report.classes = test.info().classes;
  report.targets = test.info().targets;
  report.environment = current_environment(options.threads, options.latency_threads.front());
  const auto compare_all =
      report.task == Task::kRegression ? compare_regressors : compare_classifiers;
  compare_all(candidates, test, options, report, progress);
  if (candidates.front().model) {
    for (size_t i = 1; i < candidates.size(); ++i) {
      if (!candidates[i].model) continue;
      add_weight_errors(*candidates.front().model, *candidates[i].model,
                        report.candidates[i].size->layers);
    }
  }
  if (options.measure_latency) add_latency(candidates, test, options, report, progress);
  if (options.measure_memory) add_memory(candidates, options, report, progress);
  for (CandidateReport& candidate : report.candidates) {
    add_cost_figures(report.candidates.front(), candidate);
  }
  return report;
}

}  // namespace pare::eval
