// SPDX-License-Identifier: Apache-2.0
// Products of one row against the limit of the machine: gigabytes of stored weights a second beside
// the rate at which as many bytes can be read, in turns in one process.
//
// usage: bench_kernels [threads]
#include <cstdio>
#include <memory>
#include <numeric>

#include "bench/networks.hpp"
#include <omp.h>

#include "lib/core/rng.hpp"
#include "lib/eval/latency.hpp"
#include "lib/runtime/session.hpp"

namespace pare::bench {

namespace {

// Sums `bytes` bytes in 64-bit words, several streams at once: what reading alone costs.
class Reader {
 public:
  Reader(int64_t bytes, int threads)
      : words_(static_cast<size_t>(bytes / 8), 1), threads_(threads) {}
  void run() {
    const auto count = static_cast<int64_t>(words_.size());
    uint64_t total = 0;
#pragma omp parallel for reduction(+ : total) num_threads(threads_) schedule(static)
    for (int t = 0; t < threads_; ++t) {
      total += sum_of(words_.data() + count * t / threads_, count / threads_);
    }
    sum_ = total;
  }
  uint64_t sum() const { return sum_; }

 private:
  __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3"))) static uint64_t
  sum_of(const uint64_t* words, int64_t count) {
    uint64_t total = 0;
    for (int64_t i = 0; i < count; ++i) total += words[i];
    return total;
  }

  std::vector<uint64_t> words_;
  int threads_;
  uint64_t sum_ = 0;
};

struct Subject {
  std::string name;
  runtime::Session session;
  int64_t bytes = 0;   // of weights as they are packed
  double p50 = 0;      // microseconds
  double reading = 0;  // the same bytes, read
};

Subject subject(const std::string& name, const ir::Model& model, int threads) {
  runtime::Session session(model, {.threads = threads});
  Rng rng(0, stream_of("bench input"), 0);
  for (float& x : session.input()) x = rng.normal();
  const int64_t bytes = session.packed_weight_bytes();
  return {name, std::move(session), bytes};
}

void measure(std::vector<Subject>& subjects, int threads) {
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<eval::MakeRun> runs;
  for (Subject& s : subjects) {
    readers.push_back(std::make_unique<Reader>(s.bytes, threads));
    runs.emplace_back([&s] { return [&s] { s.session.run(); }; });
    runs.emplace_back([&reader = *readers.back()] { return [&reader] { reader.run(); }; });
  }
  const auto samples =
      eval::measure_latency(runs, {.blocks = 15, .max_blocks = 15, .threads = threads}).models;
  for (size_t i = 0; i < subjects.size(); ++i) {
    subjects[i].p50 = eval::summarise(samples[2 * i], nullptr, 0).p50;
    subjects[i].reading = eval::summarise(samples[2 * i + 1], nullptr, 0).p50;
  }
}

// Of the product: conversions come before and after it.
std::string kernel_of(const runtime::Session& session) {
  for (const runtime::StepInfo& step : session.steps()) {
    if (step.op == "Gemm") return step.kernel;
  }
  return {};
}

void print(const std::vector<Subject>& subjects) {
  for (const Subject& s : subjects) {
    const std::string kernel = kernel_of(s.session);
    const auto bytes = static_cast<double>(s.bytes);
    std::printf("| %s | %s | %.2f | %.1f | %.1f | %.1f | %.2f | %.2f |\n", s.name.c_str(),
                kernel.c_str(), bytes / 1e6, s.p50, bytes / 1e3 / s.p50, bytes / 1e3 / s.reading,
                s.reading / s.p50, subjects.front().p50 / s.p50);
  }
}

void compare(int64_t depth, int64_t columns, int threads) {
  const Network network{
      "", "mlp:" + std::to_string(depth) + "-" + std::to_string(columns), {depth}, columns};
  const ir::Model dense = float_model(network);
  std::vector<Subject> subjects;
  subjects.push_back(subject("f32", dense, threads));
  subjects.push_back(subject("w8a8", quantized_model(dense, network, "w8a8"), threads));
  subjects.push_back(subject("w8a16", quantized_model(dense, network, "w8a16"), threads));
  subjects.push_back(subject("w4a16", quantized_model(dense, network, "w4a16"), threads));
  subjects.push_back(subject("2:4", pruned_model(dense, {{"pattern", "2:4"}}), threads));
  subjects.push_back(subject("80 % pruned", pruned_model(dense, {{"sparsity", 0.8}}), threads));
  measure(subjects, threads);
  std::printf(
      "%lld × %lld, %d thread%s\n\n| weights | kernel | MB | p50 us | GB/s | reading | share | "
      "times f32 |\n|---|---|---|---|---|---|---|---|\n",
      static_cast<long long>(depth), static_cast<long long>(columns), threads,
      threads == 1 ? "" : "s");
  print(subjects);
  std::printf("\n");
}

}  // namespace

}  // namespace pare::bench

int main(int argc, char** argv) {
  try {
    const int threads = argc > 1 ? std::stoi(argv[1]) : 1;
    pare::bench::compare(4096, 4096, threads);
    pare::bench::compare(4096, 11008, threads);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_kernels: %s\n", e.what());
    return 1;
  }
  return 0;
}
