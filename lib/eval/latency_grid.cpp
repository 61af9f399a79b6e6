// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/latency_grid.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "lib/core/error.hpp"
#include "lib/data/batch.hpp"
#include "lib/eval/energy.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/session_run.hpp"
#include "lib/runtime/tuning.hpp"

namespace pare::eval {
namespace {

using runtime::Session;

struct Setting {
  int threads;
  int64_t batch;
};

void warn(Report& report, Progress& progress, const std::string& line) {
  report.warnings.push_back(line);
  progress.warn(line);
}

// The first `batch` items of the data, from the beginning again where there are fewer, as the model
// wants them.
std::vector<float> inputs_of(const ir::Model& model, const data::Dataset& test, Setting setting) {
  std::vector<int64_t> items;
  for (int64_t i = 0; i < setting.batch; ++i) items.push_back(i % test.size());
  Session session(model, {.batch = setting.batch, .threads = setting.threads});
  data::load_batch(test, model.metadata.preprocessing, items, nullptr, 0, session.input(0),
                   setting.threads);
  const std::span<const float> filled = session.input(0);
  return {filled.begin(), filled.end()};
}

MakeRun timed_model(const ir::Model& model, const data::Dataset& test, Setting setting) {
  auto inputs = std::make_shared<std::vector<float>>(inputs_of(model, test, setting));
  return session_run(model, {.batch = setting.batch, .threads = setting.threads},
                     [inputs](Session& session) {
                       std::copy(inputs->begin(), inputs->end(), session.input(0).begin());
                     });
}

// Below a microsecond the clock is measured more than the layer, and times are printed in tenths.
bool is_told_apart(const runtime::LayerComparison& layer) {
  constexpr double kShortest = 1, kPrinted = 0.1;
  return layer.integer_us >= kShortest && layer.integer_us - layer.float_us >= kPrinted;
}

// Names the layers of a quantized candidate that gain nothing: integers took longer than float.
void warn_of_slow_integers(const ir::Model& base, const ir::Model& candidate,
                           const std::string& name, Setting setting, Report& report,
                           Progress& progress) {
  constexpr int kRounds = 15;
  const runtime::SessionOptions options{
      .batch = setting.batch, .threads = setting.threads, .repeatable_steps = true};
  Session ours(candidate, options);
  if (std::ranges::none_of(ours.steps(), &runtime::StepInfo::integer)) return;
  Session theirs(base, options);
  Session* const pair[] = {&theirs, &ours};
  const auto timings = runtime::bench_layers(pair, {.rounds = kRounds});
  std::string slower;
  for (const runtime::LayerComparison& layer : runtime::compare_layers(timings[0], timings[1])) {
    if (!layer.slower_in_integers() || !is_told_apart(layer)) continue;
    char times[64];
    std::snprintf(times, sizeof times, " (%.1f and %.1f us)", layer.integer_us, layer.float_us);
    slower += (slower.empty() ? "" : ", ") + escaped(layer.node) + times;
  }
  if (slower.empty()) return;
  warn(report, progress,
       name + ": slower in integers than in float: " + slower + "; see pare bench --save-tuning");
}

std::string name_of(Setting setting) {
  return std::to_string(setting.threads) + (setting.threads == 1 ? " thread" : " threads") +
         ", batch " + std::to_string(setting.batch);
}

void add_price(LatencySummary& summary, const std::optional<double>& price_per_hour) {
  if (!price_per_hour || !(summary.items_per_second > 0)) return;
  constexpr double kSecondsPerHour = 3600;
  constexpr double kMillion = 1e6;
  summary.cost_per_million =
      *price_per_hour / kSecondsPerHour / summary.items_per_second * kMillion;
}

// What is the same for all settings.
class Grid {
 public:
  Grid(const std::vector<Candidate>& candidates, const data::Dataset& test,
       const EvalOptions& options, Report& report, Progress& progress)
      : candidates_(candidates),
        test_(test),
        options_(options),
        report_(report),
        progress_(progress),
        energy_(options.powercap) {
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (candidates[i].model) timed_.push_back(i);
    }
    report.energy_reason = energy_.reason();
  }

  bool empty() const { return timed_.empty(); }
  // Without a timed base there is nothing to be relative to.
  bool has_base() const { return !empty() && timed_.front() == 0; }

  void measure(Setting setting) {
    std::vector<MakeRun> models;
    for (const size_t i : timed_) {
      models.push_back(timed_model(*candidates_[i].model, test_, setting));
    }
    LatencyOptions protocol = options_.latency;
    protocol.seed = options_.seed;
    protocol.threads = setting.threads;
    const LatencyMeasurement measured = measure_latency(models, protocol, progress_);
    std::vector<std::optional<double>> joules(models.size());
    if (energy_.reason().empty()) {
      joules = measure_energy(models, energy_, protocol, {.seed = options_.seed});
    }
    for (size_t i = 0; i < timed_.size(); ++i) {
      LatencySummary summary =
          summarise(measured.models[i], has_base() ? &measured.models[0] : nullptr, options_.seed,
                    setting.batch);
      summary.threads = setting.threads;
      if (joules[i]) summary.joules_per_item = *joules[i] / static_cast<double>(setting.batch);
      add_price(summary, options_.price_per_hour);
      CandidateReport& candidate = report_.candidates[timed_[i]];
      if (!candidate.latency) candidate.latency = summary;
      candidate.latency_grid.push_back(std::move(summary));
    }
    note_conditions(setting, measured.noise);
  }

  void warn_of_slow_integers_at(Setting setting) {
    for (const size_t i : timed_) {
      if (i == 0) continue;
      warn_of_slow_integers(*candidates_[0].model, *candidates_[i].model,
                            report_.candidates[i].name, setting, report_, progress_);
    }
  }

 private:
  void note_conditions(Setting setting, const MachineNoise& noise) {
    report_.latency_conditions.push_back({setting.threads, setting.batch, noise});
    if (!noise.noisy()) return;
    warn(report_, progress_,
         "latency (" + name_of(setting) + "): the machine was noisy: " + noise.evidence());
  }

  const std::vector<Candidate>& candidates_;
  const data::Dataset& test_;
  const EvalOptions& options_;
  Report& report_;
  Progress& progress_;
  EnergyCounter energy_;
  std::vector<size_t> timed_;
};

}  // namespace

void add_latency(const std::vector<Candidate>& candidates, const data::Dataset& test,
                 const EvalOptions& options, Report& report, Progress& progress) {
  require(!options.latency_threads.empty() && !options.latency_batches.empty(),
          "latency is measured for a number of threads and of items");
  Grid grid(candidates, test, options, report, progress);
  report.price_per_hour = options.price_per_hour;
  if (grid.empty()) return;
  for (const int64_t batch : options.latency_batches) {
    for (const int threads : options.latency_threads) grid.measure({threads, batch});
  }
  if (grid.has_base()) {
    grid.warn_of_slow_integers_at({options.latency_threads[0], options.latency_batches[0]});
  }
}

}  // namespace pare::eval
