// SPDX-License-Identifier: Apache-2.0
// Re-checks the kernel table (lib/runtime/kernels/kernels.cpp): every Conv, Gemm and MatMul of the
// benches' networks, by the kernel that the table chooses and by the one it passes over, in turns
// in one process.
//
// usage: bench_choices [batch [network]]
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bench/convolutions.hpp"
#include "bench/networks.hpp"

#include "lib/core/rng.hpp"
#include "lib/runtime/layer_bench.hpp"
#include "lib/runtime/session.hpp"

namespace pare::bench {

namespace {

// A choice counts as wrong from here on; less is noise.
constexpr double kTolerance = 1.1;

struct Counts {
  int rows = 0;
  int slower = 0;
};

void print(const std::string& layer, int64_t batch, const runtime::LayerTiming& chosen,
           const std::string& other, double other_us, Counts& counts) {
  const double ratio = chosen.median_us / other_us;
  ++counts.rows;
  if (ratio > kTolerance) ++counts.slower;
  std::printf("| %s | %lld | %s | %.1f | %s | %.1f | %.2f%s |\n", layer.c_str(),
              static_cast<long long>(batch), chosen.step.kernel.c_str(), chosen.median_us,
              other.c_str(), other_us, ratio, ratio > kTolerance ? " **slower**" : "");
  std::fflush(stdout);
}

bool multiplies(const runtime::StepInfo& step) {
  return step.op == "Conv" || step.op == "Gemm" || step.op == "MatMul";
}

// What tells layers of one network apart for a kernel: the operator, the work and the output.
std::string shape_of(const runtime::StepInfo& step) {
  std::string macs = std::to_string(static_cast<double>(step.macs) / 1e6);
  macs.resize(macs.find('.') + 3);
  return step.op + " to " + ir::to_string(step.output) + ", " + macs + " M";
}

std::vector<runtime::LayerTiming> layers(std::vector<runtime::LayerTiming> timings) {
  std::erase_if(timings, [](const runtime::LayerTiming& t) { return !multiplies(t.step); });
  return timings;
}

// Each shape once beside what oneDNN takes for it alone, in layouts of its own choice. Not of those
// that run in oneDNN.
void compare_alone(const Network& network, int64_t batch,
                   const std::vector<runtime::LayerTiming>& timings,
                   const std::map<std::string, double>& onednn, const std::string& what,
                   Counts& counts) {
  std::set<std::string> seen;
  for (const runtime::LayerTiming& timing : timings) {
    const auto alone = onednn.find(timing.step.main);
    if (alone == onednn.end() || timing.step.kernel.starts_with("onednn")) continue;
    if (!seen.insert(shape_of(timing.step)).second) continue;
    print(network.name + ": " + shape_of(timing.step), batch, timing, what, alone->second, counts);
  }
}

void compare(const Network& network, int64_t batch, Counts& counts) {
  const ir::Model model = float_model(network);
  const ir::Model codes = quantized_model(model, network, "w8a8");
  runtime::Session chosen(model, {.batch = batch, .repeatable_steps = true});
  runtime::Session other(model,
                         {.batch = batch, .own_kernels_only = true, .repeatable_steps = true});
  runtime::Session integers(codes, {.batch = batch, .repeatable_steps = true});
  std::vector<runtime::Session*> sessions = {&chosen, &other, &integers};
  for (runtime::Session* session : sessions) {
    Rng rng(1, stream_of("bench input"), 0);
    for (float& x : session->input()) x = rng.normal();
  }
  const auto timings = runtime::bench_layers(sessions, {.rounds = batch > 1 ? 15 : 60});
  const std::vector<runtime::LayerTiming> first = layers(timings[0]), second = layers(timings[1]);
  std::set<std::string> seen;
  for (size_t i = 0; i < first.size(); ++i) {
    const std::string shape = shape_of(first[i].step);
    if (first[i].step.kernel == second[i].step.kernel || !seen.insert(shape).second) continue;
    print(network.name + ": " + shape, batch, first[i], second[i].step.kernel, second[i].median_us,
          counts);
  }
  std::map<std::string, double> onednn = onednn_convolutions_us(model, batch, 1, false);
  onednn.merge(onednn_products_us(model, batch, 1));
  compare_alone(network, batch, first, onednn, "oneDNN f32, alone", counts);
  compare_alone(network, batch, layers(timings[2]), onednn_convolutions_us(model, batch, 1, true),
                "oneDNN u8s8, alone", counts);
}

}  // namespace

}  // namespace pare::bench

int main(int argc, char** argv) {
  try {
    const std::string only = argc > 2 ? argv[2] : "";
    std::vector<int64_t> batches = {1, 32};
    if (argc > 1) batches = {std::stoll(argv[1])};
    std::printf("| layer | batch | chosen | us | passed over | us | ratio |\n");
    std::printf("|---|---|---|---|---|---|---|\n");
    pare::bench::Counts counts;
    for (const pare::bench::Network& network : pare::bench::networks()) {
      if (network.name.find(only) == std::string::npos) continue;
      for (const int64_t batch : batches) pare::bench::compare(network, batch, counts);
    }
    std::printf("\n%d of %d choices are more than 10 %% slower than what they pass over.\n",
                counts.slower, counts.rows);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_choices: %s\n", e.what());
    return 1;
  }
  return 0;
}
