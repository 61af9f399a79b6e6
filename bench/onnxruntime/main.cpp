// SPDX-License-Identifier: Apache-2.0
// Times our runtime against ONNX Runtime on the same files, in turns in one process (the protocol
// of lib/eval/latency.hpp), and prints the ratio of their medians.
//
// usage: bench_onnxruntime LIBRARY FOLDER [batch threads [network]]
#include <cstdio>
#include <filesystem>

#include "bench/convolutions.hpp"
#include "bench/networks.hpp"
#include "bench/onnxruntime/onnxruntime.hpp"

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/eval/latency.hpp"
#include "lib/runtime/layer_bench.hpp"
#include "lib/runtime/session.hpp"

namespace pare::bench {

namespace {

struct Setting {
  int64_t batch = 1;
  int threads = 1;
};

// Largest difference relative to the largest output.
double difference(std::span<const float> a, std::span<const float> b) {
  double most = 0, scale = 1e-30;
  for (size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return most / scale;
}

struct Row {
  std::string name, kind;
  Setting setting;
  double convolutions = 0;  // microseconds in oneDNN; 0: the network has none
};

void compare(const OnnxRuntime& peer, const ir::Model& model, const std::string& file,
             const Row& row) {
  const Setting& setting = row.setting;
  formats::write(model, file);
  runtime::Session ours(formats::read(file), {.batch = setting.batch, .threads = setting.threads});
  const ir::Graph& graph = model.main();
  OnnxRuntime::Session theirs =
      peer.open(file, graph.value(graph.inputs.front()).name, ours.input_dims(0),
                graph.value(graph.outputs.front()).name, ours.output_dims(0), setting.threads);
  Rng rng(1, stream_of("bench input"), 0);
  for (float& value : ours.input()) value = rng.normal();
  std::copy(ours.input().begin(), ours.input().end(), theirs.input().begin());
  ours.run();
  theirs.run();
  const double apart = difference(ours.output(), theirs.output());
  const std::array<eval::MakeRun, 2> runs = {[&] { return [&] { theirs.run(); }; },
                                             [&] { return [&] { ours.run(); }; }};
  // Worker threads of both runtimes spin for a while after a run.
  const double rest = setting.threads > 1 ? 0.03 : 0.0;
  const auto samples =
      eval::measure_latency(
          runs, {.blocks = 30, .max_seconds = 12, .rest_seconds = rest, .threads = setting.threads})
          .models;
  const eval::LatencySummary them = eval::summarise(samples[0], nullptr, 0);
  const eval::LatencySummary us = eval::summarise(samples[1], &samples[0], 0);
  std::printf("| %s | %s | %lld | %d | %.1f | %.1f | %.2f | %.2f to %.2f | ", row.name.c_str(),
              row.kind.c_str(), static_cast<long long>(setting.batch), setting.threads, us.p50,
              them.p50, us.ratio.value_or(0), us.ratio_interval.low, us.ratio_interval.high);
  if (row.convolutions > 0) std::printf("%.1f", row.convolutions);
  std::printf(" | %.1e |\n", apart);
  std::fflush(stdout);
}

void run(const OnnxRuntime& peer, const std::string& folder, const std::string& only,
         std::span<const Setting> settings) {
  std::printf("ONNX Runtime %s. Microseconds are p50.\n\n", peer.version().c_str());
  std::printf(
      "| network | kind | batch | threads | ours | theirs | ratio | 95 %% interval | "
      "convolutions in oneDNN | apart |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Network& network : networks()) {
    if (network.name.find(only) == std::string::npos) continue;
    const ir::Model model = float_model(network);
    const ir::Model quantized = quantized_model(model, network, "w8a8");
    for (const Setting& setting : settings) {
      const std::string stem = folder + "/" + network.name;
      const auto convolutions = [&](bool integer) {
        double total = 0;
        for (const auto& [name, us] :
             onednn_convolutions_us(model, setting.batch, setting.threads, integer)) {
          total += us;
        }
        return total;
      };
      compare(peer, model, stem + ".f32.onnx", {network.name, "f32", setting, convolutions(false)});
      compare(peer, quantized, stem + ".int8.onnx",
              {network.name, "int8", setting, convolutions(true)});
    }
  }
}

}  // namespace

}  // namespace pare::bench

int main(int argc, char** argv) {
  using pare::bench::Setting;
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_onnxruntime LIBRARY FOLDER [batch threads [network]]\n");
    return 2;
  }
  try {
    std::vector<Setting> settings = {{1, 1}, {32, 1}, {1, 2}, {32, 2}};
    if (argc > 4) settings = {{std::stoll(argv[3]), std::stoi(argv[4])}};
    std::filesystem::create_directories(argv[2]);
    pare::bench::run(pare::bench::OnnxRuntime(argv[1]), argv[2], argc > 5 ? argv[5] : "", settings);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_onnxruntime: %s\n", e.what());
    return 1;
  }
  return 0;
}
