// SPDX-License-Identifier: Apache-2.0
// pare bench: latency of models side by side, and where inside a model the time goes.
#include <algorithm>
#include <cstdio>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/foreign_model.hpp"
#include "apps/pare/inputs.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/pass_result.hpp"
#include "lib/core/error.hpp"
#include "lib/core/output_file.hpp"
#include "lib/core/rng.hpp"
#include "lib/eval/session_run.hpp"
#include "lib/runtime/layer_bench.hpp"
#include "lib/runtime/tuning.hpp"

namespace pare::cli {

namespace {

constexpr int kSchemaVersion = 1;

struct Bench {
  std::string path;
  ir::Model model;
  int64_t arena_bytes = 0;
  int64_t packed_weight_bytes = 0;
  eval::LatencySummary latency = {};
  std::vector<runtime::LayerTiming> layers = {};
};

// What all models are timed with.
struct Setting {
  int threads = 1;
  int64_t batch = 1;
  eval::LatencyOptions protocol;
};

Setting setting_of(const Invocation& invocation) {
  const pass::Options& options = invocation.options;
  const int threads = options.given("threads") ? invocation.threads : 1;
  return {threads,
          options.integer("batch_size"),
          {.blocks = static_cast<int>(options.integer("blocks")),
           .threads = threads,
           .seed = static_cast<uint64_t>(options.integer("seed"))}};
}

// Standard normal inputs: what a normalised image looks like to the arithmetic.
void fill_inputs(runtime::Session& session) {
  for (int i = 0; i < session.input_count(); ++i) {
    Rng rng(0, stream_of("bench input"), static_cast<uint64_t>(i) << 32);
    for (float& value : session.input(i)) value = rng.normal();
  }
}

std::vector<Bench> load(const Invocation& invocation, const Setting& setting) {
  std::vector<Bench> benches;
  for (const std::string& path : invocation.positionals) {
    Bench bench{path, load_model(invocation, path).model};
    const runtime::Session session(bench.model,
                                   {.batch = setting.batch, .threads = setting.threads});
    bench.arena_bytes = session.arena_bytes();
    bench.packed_weight_bytes = session.packed_weight_bytes();
    benches.push_back(std::move(bench));
  }
  return benches;
}

eval::MachineNoise measure_models(std::vector<Bench>& benches, const Setting& setting,
                                  Progress& progress) {
  std::vector<eval::MakeRun> models;
  for (const Bench& bench : benches) {
    models.push_back(eval::session_run(
        bench.model, {.batch = setting.batch, .threads = setting.threads}, fill_inputs));
  }
  const auto measured = eval::measure_latency(models, setting.protocol, progress);
  for (size_t i = 0; i < benches.size(); ++i) {
    benches[i].latency = eval::summarise(measured.models[i], &measured.models[0],
                                         setting.protocol.seed, setting.batch);
  }
  if (measured.noise.noisy()) {
    progress.warn("the machine was noisy: " + measured.noise.evidence());
  }
  return measured.noise;
}

void measure_layers(std::vector<Bench>& benches, const Setting& setting) {
  std::vector<runtime::Session> owned;
  for (const Bench& bench : benches) {
    owned.emplace_back(bench.model, runtime::SessionOptions{.batch = setting.batch,
                                                            .threads = setting.threads,
                                                            .repeatable_steps = true});
    fill_inputs(owned.back());
    owned.back().run();  // codes in the arena for run_step, and pages touched
  }
  std::vector<runtime::Session*> sessions;
  for (runtime::Session& session : owned) sessions.push_back(&session);
  auto timings = runtime::bench_layers(sessions, {.rounds = setting.protocol.blocks});
  for (size_t i = 0; i < benches.size(); ++i) benches[i].layers = std::move(timings[i]);
}

Json json_of(const Bench& bench) {
  const eval::LatencySummary& latency = bench.latency;
  Json out{
      {"model", bench.path},
      {"runs", latency.runs},
      {"p50_us", latency.p50},
      {"p90_us", latency.p90},
      {"p99_us", latency.p99},
      {"ratio", latency.ratio.value_or(1)},
      {"ratio_interval", Json::array({latency.ratio_interval.low, latency.ratio_interval.high})},
      {"blocks", latency.block_medians.size()},
      {"block_ratios", latency.block_ratios},
      {"items_per_second", latency.items_per_second},
      {"arena_bytes", bench.arena_bytes},
      {"packed_weight_bytes", bench.packed_weight_bytes}};
  for (const runtime::LayerTiming& layer : bench.layers) {
    out["layers"].push_back(Json{{"node", layer.step.node},
                                 {"op", layer.step.op},
                                 {"kernel", layer.step.kernel},
                                 {"integer", layer.step.integer},
                                 {"macs", layer.step.macs},
                                 {"p50_us", layer.median_us},
                                 {"p90_us", layer.p90_us},
                                 {"bytes_moved", layer.bytes_moved}});
  }
  return out;
}

void print_table(const std::vector<Bench>& benches) {
  size_t width = 5;
  for (const Bench& bench : benches) width = std::max(width, escaped(bench.path).size());
  std::printf("%-*s %9s %9s %9s  %s\n", static_cast<int>(width), "model", "p50 us", "p90 us",
              "p99 us", "ratio to the first, 95 % interval");
  for (const Bench& bench : benches) {
    const eval::LatencySummary& latency = bench.latency;
    std::printf("%-*s %9.1f %9.1f %9.1f", static_cast<int>(width), escaped(bench.path).c_str(),
                latency.p50, latency.p90, latency.p99);
    if (&bench != &benches.front()) {
      std::printf("  %.2f [%.2f, %.2f]", latency.ratio.value_or(1), latency.ratio_interval.low,
                  latency.ratio_interval.high);
    }
    std::printf("\n");
  }
}

void print_layers(const Bench& bench) {
  double total = 0;
  size_t width = 4;
  size_t kernel_width = 6;
  for (const runtime::LayerTiming& layer : bench.layers) {
    total += layer.median_us;
    kernel_width = std::max(kernel_width, layer.step.kernel.size());
    width = std::max(width, escaped(layer.step.node, 48).size());
  }
  const auto columns = static_cast<int>(width);
  const auto kernel_columns = static_cast<int>(kernel_width);
  std::printf("\n%s\n%-*s  %-*s %12s %9s %6s\n", escaped(bench.path).c_str(), columns, "step",
              kernel_columns, "kernel", "MACs", "p50 us", "%");
  for (const runtime::LayerTiming& layer : bench.layers) {
    std::printf("%-*s  %-*s %12s %9.1f %6.1f\n", columns, escaped(layer.step.node, 48).c_str(),
                kernel_columns, layer.step.kernel.c_str(), grouped(layer.step.macs).c_str(),
                layer.median_us, total > 0 ? 100 * layer.median_us / total : 0);
  }
}

void save_tuning(const std::vector<Bench>& benches, const Setting& setting,
                 const Invocation& invocation) {
  const auto layers = runtime::compare_layers(benches[0].layers, benches[1].layers);
  if (layers.empty()) {
    throw Error(benches[1].path, "has no layer in integers that is in float in " + benches[0].path);
  }
  const Json tuning = runtime::tuning_json(layers, setting.batch, setting.threads);
  const std::string path = invocation.text("save_tuning");
  write_text_file(path, to_text(tuning, 2) + "\n");
  const auto slower = std::ranges::count_if(
      layers, [](const runtime::LayerComparison& layer) { return layer.slower_in_integers(); });
  invocation.progress.log(path + ": " + std::to_string(slower) + " of " +
                          std::to_string(layers.size()) + " layers are slower in integers");
}

ExitCode run(const Invocation& invocation) {
  const bool tuning = invocation.options.given("save_tuning");
  const bool layers = invocation.flag("layers") || tuning;
  if (tuning && invocation.positionals.size() != 2) {
    throw UsageError("--save-tuning", "takes two models: in float, and quantized to w8a8");
  }
  const Setting setting = setting_of(invocation);
  std::vector<Bench> benches = load(invocation, setting);
  const eval::MachineNoise noise = measure_models(benches, setting, invocation.progress);
  if (layers) measure_layers(benches, setting);
  if (tuning) save_tuning(benches, setting, invocation);
  if (invocation.flag("json")) {
    Json list = Json::array();
    for (const Bench& bench : benches) list.push_back(json_of(bench));
    std::printf("%s\n", to_text(Json{{"schema_version", kSchemaVersion},
                                     {"isa", runtime::name_of(runtime::active_isa())},
                                     {"batch_size", setting.batch},
                                     {"threads", setting.threads},
                                     {"noisy", noise.noisy()},
                                     {"noise", noise.evidence()},
                                     {"models", list}},
                                2)
                            .c_str());
    return ExitCode::kOk;
  }
  print_table(benches);
  for (const Bench& bench : benches) {
    if (layers) print_layers(bench);
  }
  return ExitCode::kOk;
}

}  // namespace

Command make_bench() {
  using pass::OptionType;
  OptionGroup general =
      general_group({"threads", "seed", "json", "print_config", "quiet", "verbose"});
  general.options[0].help = "Threads a model runs on (default: 1)";
  general.options[1].help = "Seed of the order in which models are timed";
  return {
      .name = "bench",
      .summary = "Time models in turns in one process, whole or layer by layer",
      .positional = {"MODEL", "Models to time; the first is what ratios are to", 1, -1},
      .groups = {{"Timing",
                  {{.name = "layers",
                    .type = OptionType::kFlag,
                    .help = "Time every step of each model's plan, too"},
                   {.name = "save_tuning",
                    .help = "Write how long each layer takes in the first model, in float, and in "
                            "the second, in integers: for pare quantize --tuning",
                    .metavar = "FILE"},
                   {.name = "batch_size",
                    .type = OptionType::kInteger,
                    .fallback = 1,
                    .help = "Items a run",
                    .min = 1,
                    .max = 65536},
                   {.name = "blocks",
                    .type = OptionType::kInteger,
                    .fallback = 40,
                    .help = "Rounds in which every model takes its turns, more when they disagree",
                    .min = 2,
                    .max = 100000}}},
                 reading_group({"from", "arch", "graph", "bind", "input_shape"}),
                 general},
      .examples = {"pare bench model.pare model.int8.pare", "pare bench model.int8.pare --layers",
                   "pare bench model.pare model.int8.pare --save-tuning tuning.json"},
      .run = run};
}

}  // namespace pare::cli
