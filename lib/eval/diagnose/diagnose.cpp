// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/diagnose/diagnose.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <numeric>
#include <thread>

#include "lib/core/error.hpp"
#include "lib/eval/diagnose/held_items.hpp"
#include "lib/eval/label_space.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/size.hpp"

namespace pare::eval {
namespace {

// A part matters when it alone moves probabilities by this: KL of 0.005 nats is, by Pinsker's
// inequality, at most 5 % of probability moved ...
constexpr double kMaterialKl = 0.005;
// ... and when it makes at least this part of the whole divergence.
constexpr double kMaterialPart = 0.10;
// Less of the divergence is not worth a finding. Every layer of few bits or many zeros is off a
// little: these are named only when they carry more.
constexpr double kNotedShare = 0.02;
constexpr double kNotedInherentShare = 0.15;
// Of a part's own error that a piece of evidence has to explain.
constexpr double kExplains = 0.10;
// Without any evidence, a part is named only from this share, when the drop is beyond chance.
constexpr double kUnexplainedShare = 0.30;
constexpr double kSignificant = 0.05;
// Two ways to compute the base: what they may differ in, relative, by the order of sums in f32.
constexpr double kSameLogits = 1e-3;
constexpr int64_t kDefaultCalibration = 512;

class Analysis {
 public:
  Analysis(const DiagnosisInput& base, const DiagnosisInput& candidate, const data::Dataset& items,
           const DiagnoseOptions& options, Progress& progress)
      : base_(base),
        candidate_(candidate),
        items_(items),
        labels_(labels_of(items)),
        options_(options),
        progress_(progress) {}

  Diagnosis run() {
    check_labels();
    predict_both();
    pairs_ = pair_layers(*base_.model, *candidate_.model, base_.about.path, candidate_.about.path);
    describe_parts();
    check_base();
    check_candidate();
    measure_outputs();
    measure_parts();
    share_out();
    find_causes();
    return std::move(out_);
  }

 private:
  void check_labels() const {
    const auto& ours = candidate_.model->metadata.labels;
    const auto& theirs = base_.model->metadata.labels;
    if (ours.empty() || theirs.empty() || ours == theirs) return;
    throw Error(candidate_.about.path, ours.size() == theirs.size()
                                           ? "names other classes than " + base_.about.path
                                           : "has " + std::to_string(ours.size()) + " classes, " +
                                                 base_.about.path + " has " +
                                                 std::to_string(theirs.size()));
  }

  Predictions predictions_of(const ir::Model& model, const std::string& subject) const {
    return predict(model, items_, {.threads = options_.threads}, subject);
  }

  // A thread takes the next part; inside, nothing is shared out and nothing waits.
  void measure_parts() {
    const auto count = static_cast<int64_t>(pairs_.parts.size());
    std::atomic<int64_t> next{0}, done{0};
    std::vector<std::exception_ptr> errors(pairs_.parts.size());
    const auto work = [&](bool reports) {
      for (int64_t i = next++; i < count; i = next++) {
        try {
          measure_part(static_cast<size_t>(i));
        } catch (...) {
          errors[static_cast<size_t>(i)] = std::current_exception();
        }
        ++done;
        // Progress belongs to the calling thread.
        if (reports) progress_.update("one layer at a time", done, count);
      }
    };
    std::vector<std::thread> threads;
    for (int t = 1; t < options_.threads && t < count; ++t) threads.emplace_back(work, false);
    work(true);
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
  }

  Effect effect_of(const ir::Model& model) const {
    return eval::effect_of(base_predictions_, predict(model, items_, {}, candidate_.about.path),
                           labels_);
  }

  void predict_both() {
    base_predictions_ = predictions_of(*base_.model, base_.about.path);
    candidate_predictions_ = predictions_of(*candidate_.model, candidate_.about.path);
    out_.base = base_.about;
    out_.candidate = candidate_.about;
    out_.base.accuracy = eval::effect_of(base_predictions_, base_predictions_, labels_).accuracy;
    out_.candidate.accuracy =
        eval::effect_of(base_predictions_, candidate_predictions_, labels_).accuracy;
    out_.data_source = items_.info().source;
    out_.data_fingerprint = items_.fingerprint();
    out_.items = items_.size();
    out_.error_items = std::min(options_.error_items, items_.size());
    out_.environment = current_environment(options_.threads, 1);
    out_.comparison = compare(base_predictions_, candidate_predictions_, labels_,
                              {.seed = options_.seed, .threads = options_.threads});
  }

  void describe_parts() {
    for (const Part& part : pairs_.parts) {
      PartDiagnosis out{
          .kind = part.kind, .name = part.name, .op = part.op, .differs = part.differs};
      if (!part.weight.empty())
        out.storage = storage_text(part.candidate.parameters.at(part.weight));
      out_.parts.push_back(std::move(out));
    }
  }

  std::vector<bool> all(bool from_candidate) const {
    return std::vector<bool>(pairs_.parts.size(), from_candidate);
  }

  // The base's parameters in the candidate's graph give the base's logits, or the graphs differ.
  void check_base() {
    base_model_ = mixture(pairs_, all(false));
    const Predictions rebuilt = predictions_of(base_model_, base_.about.path);
    double error = 0, signal = 0;
    for (size_t i = 0; i < rebuilt.logits.size(); ++i) {
      const auto expected = static_cast<double>(base_predictions_.logits[i]);
      const double off = static_cast<double>(rebuilt.logits[i]) - expected;
      error += off * off;
      signal += expected * expected;
    }
    if (error <= kSameLogits * kSameLogits * signal) return;
    throw Error(candidate_.about.path, "is not a compressed form of " + base_.about.path +
                                           ": its graph gives other logits with the base's "
                                           "weights");
  }

  void check_candidate() {
    const Predictions rebuilt = predictions_of(mixture(pairs_, all(true)), candidate_.about.path);
    int64_t same = 0;
    for (size_t i = 0; i < labels_.size(); ++i) {
      same += rebuilt.predicted[i] == candidate_predictions_.predicted[i];
    }
    out_.agreement = static_cast<double>(same) / static_cast<double>(labels_.size());
    for (const ir::HistoryEntry& entry : candidate_.model->metadata.history) {
      const bool trained = entry.options.is_object() && entry.options.contains("epochs");
      if (entry.pass != "prune" || !trained) continue;
      warn(
          "the candidate's layers were trained together after pruning: one at a time they may "
          "look worse than they are");
    }
  }

  void warn(const std::string& line) {
    out_.warnings.push_back(line);
    progress_.warn(line);
  }

  // Cumulative errors of the candidate as it runs, and what the base holds at the same outputs.
  void measure_outputs() {
    const ir::Graph& theirs = candidate_.model->main();
    std::vector<WatchedOutput> watched;
    std::vector<ir::ValueId> references;
    std::vector<size_t> parts;
    for (size_t i = 0; i < pairs_.parts.size(); ++i) {
      const Part& part = pairs_.parts[i];
      if (part.kind == PartKind::kPreprocessing) continue;
      const ir::ValueId reference = output_in(base_model_.main(), part);
      const ir::ValueId other = theirs.find(part.output);
      if (!reference.valid() || !other.valid()) continue;
      watched.push_back({reference, other});
      references.push_back(reference);
      parts.push_back(i);
    }
    const auto errors =
        output_errors(base_model_, *candidate_.model, watched, items_, out_.error_items);
    auto seen = observe(base_model_, references, items_, out_.error_items);
    seen_.resize(pairs_.parts.size());
    for (size_t k = 0; k < parts.size(); ++k) {
      out_.parts[parts[k]].cumulative = errors[k];
      seen_[parts[k]] = std::move(seen[k]);
    }
  }

  void measure_part(size_t i) {
    PartDiagnosis& out = out_.parts[i];
    if (!out.differs) return;
    std::vector<bool> from = all(false);
    from[i] = true;
    const ir::Model alone = mixture(pairs_, from);
    from = all(true);
    from[i] = false;
    out.alone = effect_of(alone);
    out.restored = effect_of(mixture(pairs_, from));
    if (out.kind == PartKind::kPreprocessing) return;
    const Part& part = pairs_.parts[i];
    const WatchedOutput watched{output_in(base_model_.main(), part), output_in(alone.main(), part)};
    out.own =
        output_errors(base_model_, alone, std::span(&watched, 1), items_, out_.error_items).front();
    // Nothing comes before an input; the candidate's own shows what it is fed.
    if (out.kind == PartKind::kInput) out.cumulative = out.own;
  }

  double whole_kl() const { return out_.comparison.divergence->mean; }

  // The mean of what a part adds to the base and what it adds to all the others: its first and its
  // last place in the order in which parts could be compressed.
  double contribution(const PartDiagnosis& part) const {
    if (!part.alone || !part.restored) return 0.0;
    return std::max(0.0, 0.5 * (part.alone->kl + whole_kl() - part.restored->kl));
  }

  void share_out() {
    double total = 0;
    for (const PartDiagnosis& part : out_.parts) total += contribution(part);
    if (total <= 0) return;
    for (PartDiagnosis& part : out_.parts) part.share = contribution(part) / total;
  }

  bool material(const PartDiagnosis& part) const {
    if (!part.alone || !part.restored || part.share < kNotedShare) return false;
    const double effect = std::max(part.alone->kl, whole_kl() - part.restored->kl);
    return effect >= kMaterialKl && effect >= kMaterialPart * whole_kl();
  }

  // Items that the last quantization was calibrated on; 0 when the history does not say.
  int64_t calibration_samples() const {
    int64_t samples = 0;
    for (const ir::HistoryEntry& entry : candidate_.model->metadata.history) {
      if (entry.pass != "quantize" || !entry.options.is_object()) continue;
      const auto found = entry.options.find("calibration_samples");
      samples = found != entry.options.end() && found->is_number_integer() ? found->get<int64_t>()
                                                                           : kDefaultCalibration;
    }
    return samples;
  }

  void find_causes() {
    for (const size_t i : by_share(out_)) {
      const PartDiagnosis& part = out_.parts[i];
      if (!material(part)) continue;
      const size_t before = out_.findings.size();
      if (part.kind == PartKind::kPreprocessing) {
        out_.findings.push_back({.part = i,
                                 .evidence = preprocessing_evidence(
                                     pairs_.base_preprocessing, pairs_.candidate_preprocessing)});
        continue;
      }
      add_evidence(i);
      const bool beyond_chance =
          out_.comparison.mcnemar_p < kSignificant && out_.comparison.difference < 0;
      if (out_.findings.size() > before || part.share < kUnexplainedShare || !beyond_chance) {
        continue;
      }
      out_.findings.push_back(
          {.part = i,
           .evidence = {.cause = Cause::kUnexplained,
                        .text = "makes " + percent(part.share, 0) +
                                " of the divergence, without any of the known signs"}});
    }
  }

  void add_evidence(size_t i) {
    const Part& part = pairs_.parts[i];
    const double own = out_.parts[i].own ? out_.parts[i].own->error : 0.0;
    const double by_codes = code_error(part, seen_[i]);
    if (own - by_codes >= kExplains * own) {
      for (Evidence& evidence : weight_evidence(part)) {
        const bool inherent =
            evidence.cause == Cause::kCoarseWeights || evidence.cause == Cause::kPrunedWeights;
        if (inherent && out_.parts[i].share < kNotedInherentShare) continue;
        out_.findings.push_back({.part = i, .evidence = std::move(evidence)});
      }
    }
    if (by_codes >= kExplains * own) {
      for (Evidence& evidence : range_evidence(part, seen_[i], calibration_samples())) {
        out_.findings.push_back({.part = i, .evidence = std::move(evidence)});
      }
    }
  }

  const DiagnosisInput& base_;
  const DiagnosisInput& candidate_;
  const data::Dataset& items_;
  std::vector<int64_t> labels_;
  DiagnoseOptions options_;
  Progress& progress_;
  Predictions base_predictions_, candidate_predictions_;
  LayerPairs pairs_;
  ir::Model base_model_;  // put together from parts
  std::vector<ObservedOutput> seen_;
  Diagnosis out_;
};

}  // namespace

Effect effect_of(const Predictions& base, const Predictions& predictions,
                 std::span<const int64_t> labels) {
  int64_t right = 0;
  for (size_t i = 0; i < labels.size(); ++i) right += predictions.predicted[i] == labels[i];
  const Comparison comparison = compare(base, predictions, labels, {.replicates = 1});
  return {.accuracy = static_cast<double>(right) / static_cast<double>(labels.size()),
          .kl = comparison.divergence->mean};
}

Diagnosis diagnose(const DiagnosisInput& base, const DiagnosisInput& candidate,
                   const data::Dataset& items, const DiagnoseOptions& options, Progress& progress) {
  if (items.size() == 0) throw Error(items.info().source, "holds no items");
  const HeldItems held(items);
  return Analysis(base, candidate, held, options, progress).run();
}

std::vector<size_t> by_share(const Diagnosis& diagnosis) {
  std::vector<size_t> order(diagnosis.parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return diagnosis.parts[a].share > diagnosis.parts[b].share;
  });
  return order;
}

std::string summary(const Diagnosis& diagnosis) {
  const Comparison& c = diagnosis.comparison;
  std::string out = escaped(diagnosis.candidate.name) + " against " + escaped(diagnosis.base.name) +
                    ": accuracy " + percent(diagnosis.base.accuracy) + " to " +
                    percent(diagnosis.candidate.accuracy) + " (" + points(c.difference) +
                    " points, McNemar p " + (c.mcnemar_p < 0.0001 ? "" : "= ") +
                    p_value(c.mcnemar_p) + "), KL to base " + fixed(c.divergence->mean, 4);
  if (diagnosis.findings.empty()) return out + "; no layer is suspicious.";
  out += "; ";
  const size_t count = diagnosis.findings.size();
  return out + (count == 1 ? "one finding." : std::to_string(count) + " findings.");
}

}  // namespace pare::eval
